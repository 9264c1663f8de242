"""Phase 2: the model in the form that the later phases expect."""
