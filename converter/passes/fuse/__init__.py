"""Phase 5: several ops in one."""
