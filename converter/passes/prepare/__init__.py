"""Phase 1: the model in the form that the later phases expect."""
