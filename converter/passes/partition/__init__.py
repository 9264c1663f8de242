"""Phase 4: which nodes become ops of qudnn, and where islands begin and end."""
