"""Converted models in old and new versions of onnxruntime, each with an environment of its own.

models: what is converted; environments: where it runs; probe: what runs there; run: starts that; table: all
of it, for docs/onnxruntime.md.
"""
