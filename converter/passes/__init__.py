"""The passes, one file each, in a folder for each phase of `pipeline.py`, which has their order."""
