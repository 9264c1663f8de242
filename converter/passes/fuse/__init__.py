"""Phase 6: several ops fused into one."""
