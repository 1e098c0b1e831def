"""How a log becomes the MSG part of a message: key-value, JSON, CEF and LEEF.

``catalog`` has the ready mappings of Alibaba Cloud's logs. It opens no connection.
"""

__all__: list[str] = []
