"""`python -m qudnn` is the command `qudnn`."""

import sys

from qudnn.converter.cli import main

sys.exit(main())
