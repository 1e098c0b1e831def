"""What ``python -m sls_syslog`` does: check both ends, and preview messages.

A command looks, and ships nothing. ``__main__.py`` parses the arguments.
"""

__all__: list[str] = []
