"""Phase 2: what onnxruntime itself makes of a QDQ model before it runs."""
