"""Float models in 8 bits: onnxruntime's quantizer, with what converts best, and what that changes."""
