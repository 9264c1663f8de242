"""Values that only change places."""
