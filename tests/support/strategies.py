"""Support for tests: what Hypothesis draws from in more than one module."""

from __future__ import annotations

from hypothesis import strategies as st

__all__ = ["CHARACTERS", "FIELD_NAMES"]

# The same characters as `st.text()` draws by default. That asks for the UTF-8 codec, and
# Hypothesis then encodes all of Unicode once in each new clone and process: 2 s.
CHARACTERS = st.characters(exclude_categories=["Cs"])
"""Every character but surrogates."""

FIELD_NAMES = st.text(CHARACTERS, max_size=8).filter(lambda name: not name.startswith("__"))
"""Names of a log's own fields. Hypothesis tries constants of the library too: ``__time__``."""
