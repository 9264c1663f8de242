"""Softmax, by itself and of attention's scores."""
