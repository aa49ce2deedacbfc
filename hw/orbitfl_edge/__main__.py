"""`python -m orbitfl_edge`."""

import os
import sys

from orbitfl_edge.commands import main

# Before NumPy is loaded: with more threads its matrices take no less time, but onnxruntime's cores, and their last bits
# hang on how many cores there are.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.exit(main())
