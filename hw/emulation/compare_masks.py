"""Whether two machines drew one mask: compare_masks.py HOST.tif BOARD.tif BUNDLE."""

import json
import sys
from pathlib import Path

import numpy as np
import rasterio

LEAST_PERCENT = {"fp32": 99.99}
LEAST_OTHERWISE_PERCENT = 99.9


def main(host: str, board: str, bundle: str) -> int:
    masks = []
    for path in (host, board):
        with rasterio.open(path) as file:
            masks.append(file.read(1))
    equal = 100 * float(np.mean(masks[0] == masks[1]))
    recipe = json.loads((Path(bundle) / "manifest.json").read_text(encoding="utf-8"))["model"]["recipe"]
    least = LEAST_PERCENT.get(recipe, LEAST_OTHERWISE_PERCENT)
    print(f"{recipe}: {equal:.4f} % of {masks[0].size} pixels are equal; {least} are expected")
    return 0 if equal >= least else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
