"""The fault suite: real programs are killed, cut off and refused while logs flow, and ids counted.

`rows.py` is the table of faults, as data; `scene.py` runs one; `test_faults.py` judges.
"""
