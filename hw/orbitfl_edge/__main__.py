"""`python -m orbitfl_edge`."""

import sys

from orbitfl_edge.commands import main

sys.exit(main())
