"""Phase 5: crossings fused with adjacent operators, and transposes that layouts have left."""
