"""Station one: the SDK's consumer group calls the library here; cursors, checkpoints, worker.

Only this package knows the SDK. No exception may leave it into the SDK, which would lose logs.
"""

__all__: list[str] = []
