"""Water masks on the board: NumPy, onnxruntime and rasterio, and nothing of orbitfl."""

import sys

# Python's own notes in a bundle would be code that no manifest vouches for; this package's first is left out by `-B`.
sys.dont_write_bytecode = True

__version__ = "0.1.0"
