"""Material: settings as data: keys, defaults, meanings, and what is refused.

A settings object is always valid. This package must not open a connection.
"""

__all__: list[str] = []
