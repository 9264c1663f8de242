"""Comparing what models compute: in which tensors, by how much, and in the smallest part of a model."""
