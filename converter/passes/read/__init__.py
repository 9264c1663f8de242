"""Phase 1: the model as onnxruntime reads it, in a valid order, with its branches and sizes settled."""
