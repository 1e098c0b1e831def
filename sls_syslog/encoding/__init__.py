"""From logs to the bytes of their messages.

It opens no connection. A hook that fails costs no log.
"""

__all__: list[str] = []
