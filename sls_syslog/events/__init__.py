"""Logs as events that a SIEM knows: CEF and LEEF.

Pure. ``dictionary`` (the keys), ``values`` (their types) and ``fields`` (where values come from)
lie below ``mapping``, which says what a log means; ``mappings`` has ready ones. ``cef`` and
``leef`` write what comes out, ``writer`` for many logs at once.
"""

__all__: list[str] = []
