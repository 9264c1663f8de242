"""Models as quantizers' tools write them: what becomes of each.

`table.py` makes the table of a folder of models.
"""
