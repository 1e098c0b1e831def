"""What a user does before the first log is shipped: test a receiver, and preview the messages.

``check`` runs the steps of a test, ``probe`` makes its message, ``findings`` says what each
observation means, and ``report`` holds and prints the result. ``preview`` shows messages.
"""

__all__: list[str] = []
