"""Messages as RFC 5424 and RFC 3164 write them: header, text, framing.

It knows no log, no setting and no socket.
"""

__all__: list[str] = []
