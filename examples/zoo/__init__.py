"""What the demo, the tests and the benchmarks share: models with seeded weights, and ways to run them.

graph: builds float models; resnet: ResNet-50; quantize: onnxruntime's quantizer, which some builds of
onnxruntime lack; measure: sessions, comparisons of bits, times; profile: which kernels ran.
"""
