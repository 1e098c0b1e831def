"""Material: settings as data: keys, defaults, meanings, and what is refused.

Settings that exist are valid. This package must not open a connection.
"""

__all__: list[str] = []
