"""Windows and pixels: pools, reductions, borders, other sizes."""
