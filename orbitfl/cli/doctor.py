"""`orbitfl doctor`: what is installed and kept on this machine, and what to do about what is not."""

import json
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from orbitfl.process import installed

PACKAGES = (
    "orbitfl",
    "torch",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "skyfield",
    "sgp4",
    "rasterio",
    "onnxruntime",
    "plotly",
)
EXTRAS = {
    "numba": "plans of hundreds of satellites are only slower; pip install 'orbitfl[numba]'",
    "distributed": "orbitfl sweep does without but for --dask; pip install 'orbitfl[cluster]'",
}
PASEOS_VERSION = "0.2.1"


@dataclass(frozen=True, slots=True)
class Finding:
    """`ok`: whether nothing needs doing; else `advice` says what to do, or what goes without."""

    what: str
    found: str
    ok: bool = True
    advice: str = ""


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Tell versions, PASEOS, GPU, weights and caches, and what to do about each. Exit code 1 if something is amiss."""
    findings = [*_packages(), *_extras(), _paseos(), _gpu(), _weights(), *_caches()]
    if as_json:
        print(json.dumps({each.what: asdict(each) for each in findings}))
    else:
        print("\n".join(_line(each) for each in findings))
    if not all(each.ok for each in findings):
        sys.exit(1)


def _line(finding: Finding) -> str:
    mark = "   " if finding.ok else "!! "
    return f"{mark}{finding.what:<14}{finding.found}" + (f"; {finding.advice}" if finding.advice else "")


def _packages() -> Iterator[Finding]:
    yield Finding("python", platform.python_version())
    for name in PACKAGES:
        version = installed(name)
        if version is None:
            yield Finding(name, "missing", False, f"pip install {name}")
        else:
            yield Finding(name, version)


def _extras() -> Iterator[Finding]:
    for name, without in EXTRAS.items():
        version = installed(name)
        yield Finding(name, version or "not there", advice="" if version else without)


def _paseos() -> Finding:
    """PASEOS is optional: the twin environment does without."""
    version = installed("paseos")
    cure = f"pip install 'orbitfl[paseos]' && pip install --no-deps paseos=={PASEOS_VERSION}"
    if version is None:
        return Finding(
            "paseos", "not there", advice=f"environment kind battery does without; kind paseos needs: {cure}"
        )
    return Finding("paseos", version, version == PASEOS_VERSION, "" if version == PASEOS_VERSION else cure)


def _gpu() -> Finding:
    try:
        import torch
    except ImportError:
        return Finding("gpu", "cannot be told without torch")
    if not torch.cuda.is_available():
        return Finding("gpu", "none", advice=f"learning runs on {torch.get_num_threads()} threads of the processor")
    return Finding("gpu", f"{torch.cuda.get_device_name(0)}, not used: learning runs on the processor")


def _weights() -> Finding:
    from orbitfl.errors import DamagedWeightsError, WeightsError
    from orbitfl.models.weights import locate

    try:
        return Finding("weights", f"official, {locate('official')}")
    except DamagedWeightsError as error:
        return Finding("weights", "official ones damaged", False, str(error))
    except WeightsError:
        cure = "for the full MobileSAM: orbitfl weights get official"
        return Finding("weights", "nano-base only", advice=cure)


def _caches() -> Iterator[Finding]:
    """What is kept, each with its size; all of it can be made or fetched again."""
    from orbitfl.files import cache_folder

    folder = cache_folder()
    if not folder.is_dir():
        yield Finding("cache", f"{folder}, empty")
        return
    sizes_byte = {entry.name: _size_byte(entry) for entry in sorted(folder.iterdir())}
    kept = {"contact plans": "contacts", "embeddings": "embeddings"}
    for what, name in kept.items():
        yield Finding(what, f"{sizes_byte.get(name, 0) / 1e6:.1f} MB")
    rest_byte = sum(size for name, size in sizes_byte.items() if name not in kept.values())
    yield Finding("scenes, rest", f"{rest_byte / 1e6:.1f} MB")
    whole = f"{folder}, {sum(sizes_byte.values()) / 1e6:.1f} MB"
    yield Finding("cache", whole, advice="may be deleted; ORBITFL_CACHE names another place")


def _size_byte(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(each.stat().st_size for each in files if each.is_file())
