"""The passes, one file each, in a folder for each phase of converter.pipeline, which has their order."""
