"""Where SLS's consumer group calls the library: cursors, checkpoints, the worker.

Only this package knows the SDK. Nothing that it calls may lose a log, whatever it raises.
"""

__all__: list[str] = []
