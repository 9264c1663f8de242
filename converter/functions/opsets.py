"""The operator domains that function bodies draw on, besides ONNX's own."""

from onnxscript.values import Opset

qudnn = Opset("qudnn", 1)
microsoft = Opset("com.microsoft", 1)
