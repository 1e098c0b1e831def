"""Material: messages as RFC 5424 and RFC 3164 define them: header, text, framing.

It must not know logs, settings or sockets.
"""

__all__: list[str] = []
