"""Elementwise functions of one tensor, by tables, and of two."""
