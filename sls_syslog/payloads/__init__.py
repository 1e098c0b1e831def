"""Material: how a log becomes the MSG part of a message: key-value, JSON, CEF, LEEF and OCSF.

``catalog`` has the ready mappings for Alibaba Cloud's logs. This package must do no I/O.
"""

__all__: list[str] = []
