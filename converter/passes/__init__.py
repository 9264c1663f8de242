"""The passes, one file each. Their order is in converter.pipeline."""
