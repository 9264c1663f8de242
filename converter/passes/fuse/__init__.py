"""Phase 5: several ops fused into one."""
