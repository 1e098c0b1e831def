"""Station four: sockets and TLS; connect, send, and prove what a receiver has.

Nothing else in the library touches a socket. Nothing here knows what a log is.
"""

__all__: list[str] = []
