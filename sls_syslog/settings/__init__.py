"""Settings as data: keys, defaults, meanings, and what is refused.

It opens no connection. Settings that exist are valid.
"""

__all__: list[str] = []
