"""The fault suite: it kills, cuts off and refuses real programs while logs flow, and counts ids.

`rows.py` is the table of faults, `actions.py` injects them, `scene.py` runs one of them, and
`test_faults.py` judges: one test for each case. Concurrency is that of xdist. A plain run takes one
row of each common kind (`Fault.stands_for`), `--gate` the short form, `--faults=long` everything.
`table.py` writes the results of the long form into the documentation.
"""
