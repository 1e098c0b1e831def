"""Station two: logs become the bytes of their messages.

It must open no connection, and lose no log: not because of a hook that fails either.
"""

__all__: list[str] = []
