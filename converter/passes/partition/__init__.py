"""Phase 3: which nodes become ops of qudnn, and where islands begin and end."""
