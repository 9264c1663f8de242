"""`python -m converter` is the command `qudnn`."""

import sys

from converter.cli import main

sys.exit(main())
