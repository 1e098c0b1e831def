"""Where the SDK's consumer group calls this library: cursors, checkpoints, the worker.

Only this package knows the SDK. No exception may leave it into the SDK, which would lose logs.
"""

__all__: list[str] = []
