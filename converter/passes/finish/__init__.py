"""Phase 7: what depends on all ops being final; the function bodies."""
