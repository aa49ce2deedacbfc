"""What a run of the full network takes besides its learning: python benchmarks/full_network.py

`orbitfl bench simulation` asks this of mobile_sam_nano. Here it is mobile_sam at 1024 px with random weights, whose
official ones need a download: four satellites, eight sessions of four steps, once with and once without neighbours in
sight. Some three minutes; one thread.
"""

import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ["OMP_NUM_THREADS"] = "1"

import torch
from safetensors.torch import save_file

from orbitfl.bench.simulation.lessons import learnt
from orbitfl.bench.simulation.missions import mission
from orbitfl.data.options import SyntheticData
from orbitfl.models import build
from orbitfl.orbit.walker import Walker
from orbitfl.process import keep_freed_memory
from orbitfl.scenario import Scenario

ALTITUDES_KM = {"4 exchanges": 4000.0, "nobody in sight": 2000.0}
IMAGE_PX = 1024


def main() -> None:
    keep_freed_memory()
    torch.manual_seed(0)
    with TemporaryDirectory() as place:
        weights = Path(place) / "random.safetensors"
        network = build("mobile_sam", image_size=IMAGE_PX)
        save_file({name: value.contiguous() for name, value in network.state_dict().items()}, weights)
        for name, altitude_km in ALTITUDES_KM.items():
            found = learnt(flown(altitude_km, weights), workers=(1,))
            print(f"{name}: {found['overhead']:.1%} of {found['runs'][0]['cpu_s']:.1f} s of CPU; {found}")


def flown(altitude_km: float, weights: Path) -> Scenario:
    """Half an hour over made-up scenes."""
    nano = mission(Walker(total=4, planes=1, phasing=0, altitude_km=altitude_km, inclination_deg=98.62), 1800.0)
    exam = SyntheticData(scenes=1, size_px=256, tile_px=256, seed=2)
    return replace(
        nano,
        model=replace(nano.model, kind="mobile_sam", weights=str(weights), image_px=IMAGE_PX),
        data=replace(nano.data, scenes=4),
        evaluation=replace(nano.evaluation, data=exam, every_s=1800.0),
    )


if __name__ == "__main__":
    main()
