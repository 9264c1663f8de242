"""What results are written down with, and the tables of README.md and docs/ that are made of them."""
