"""Station two: logs become the bytes of their messages.

It must open no connection, and lose no log, even if a hook fails.
"""

__all__: list[str] = []
