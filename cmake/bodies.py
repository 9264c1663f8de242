"""Writes the function bodies of the tree around it into a file: python bodies.py FILE."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from qudnn.converter.functions import sources

sources.write(Path(sys.argv[1]))
