"""The doctor: finds out whether a receiver takes messages, and if not, why.

``check`` runs the steps, ``probe`` makes the message to send, ``findings`` says what each
observation means, and ``report`` holds and prints the result.
"""

__all__: list[str] = []
