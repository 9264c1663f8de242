"""Phase 4: crossings, what stands beside them, and transposes that layouts have left."""
