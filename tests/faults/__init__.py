"""The fault suite: it kills, cuts off and refuses real programs while logs flow, and counts ids.

`rows.py` is the table of faults, `actions.py` injects them, `scene.py` runs one of them, and
`test_faults.py` judges.
"""
