"""Material: what SLS serves, as logs: mappings of str to str, or rows of bytes.

Besides ``consumer``, only this package may import protobuf; it must not import the SDK.
"""

__all__: list[str] = []
