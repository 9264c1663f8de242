"""What the numbers in README.md and docs/ come from: run as modules, from the root of the repository."""
