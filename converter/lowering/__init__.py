"""Building candidates out of quantized parameters, whichever format a model states them in."""
