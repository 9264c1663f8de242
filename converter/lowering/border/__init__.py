"""What enters or leaves an island with a function of its own."""
