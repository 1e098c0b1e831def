"""Material: the logs that SLS delivers, as mappings of str to str or as rows of bytes.

Besides ``consumer``, only this package may import protobuf; it must not import the SDK.
"""

__all__: list[str] = []
