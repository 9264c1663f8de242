"""Phase 3: what onnxruntime's optimizer does to a QDQ model before it runs. README.md names its classes."""
