"""What SLS serves, as logs: mappings of str to str, or rows of bytes.

Beside ``consumer``, only this package knows protobuf.
"""

__all__: list[str] = []
