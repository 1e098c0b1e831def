"""The doctor: whether a receiver takes what is sent to it, and if not, why.

``check`` does it, ``marked`` makes the message that it sends, ``findings`` says what each
observation means, and ``report`` puts it on paper.
"""

__all__: list[str] = []
