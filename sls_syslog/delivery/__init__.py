"""Station three: delivers logs; sends, confirms, retries and counts them.

It must not touch sockets or the SDK.
"""

__all__: list[str] = []
