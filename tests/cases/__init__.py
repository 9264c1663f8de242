"""Test cases as plain data: what to compute, apart from where and how it is run.

A case builds its ONNX model and seeded inputs; CPU tests, GPU tests and benchmarks share them. There
are two kinds: the modules named after an op build the model as a quantizer writes it, for the
converter; `cases.op` builds a model of a single qudnn op with arbitrary attributes, for the kernels.
"""
