"""Water masks on the board: NumPy, onnxruntime and rasterio, and nothing of orbitfl."""

__version__ = "0.1.0"
