"""What onnx_ir does not know of a graph: reading, editing, names, sizes. Nothing here knows of islands."""
