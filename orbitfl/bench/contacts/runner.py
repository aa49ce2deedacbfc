"""Which cases there are, and each in a process of its own.

Everything counts CPU seconds of all threads of a process. Every case runs in a fresh process that is told to take one
thread, and both sides of a ratio in the same one.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import get_context
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from orbitfl.bench.contacts.against_brahe import against_brahe
from orbitfl.bench.contacts.against_paseos import AgainstPaseos, against_paseos
from orbitfl.bench.contacts.against_skyfield import AgainstPasses, against_skyfield
from orbitfl.bench.contacts.given import Shell
from orbitfl.bench.contacts.growth import Scale, first_plan_s, grown
from orbitfl.bench.timing import machine
from orbitfl.errors import OrbitflError, ScenarioError
from orbitfl.progress import Notify

CASES = ("paseos", "skyfield", "brahe", "growth", "roofline")
SEVERAL = ("skyfield", "brahe", "growth")
NEEDS = {"paseos": "paseos", "brahe": "brahe", "roofline": "numba"}
THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA", "RAYON")
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in THREADS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What to measure; `STANDARD` and `QUICK` are ready."""

    paseos: AgainstPaseos
    passes: tuple[AgainstPasses, ...]
    growth: tuple[Scale, ...]
    roofline: Scale


SMALL = Shell(total=24, planes=6, phasing=1, altitude_km=550.0, inclination_deg=53.0)
GROWING = (
    Shell(total=24, planes=3, phasing=1, altitude_km=1200.0, inclination_deg=60.0),
    Shell(total=72, planes=6, phasing=1, altitude_km=600.0, inclination_deg=97.8),
    Shell(total=720, planes=36, phasing=1, altitude_km=1200.0, inclination_deg=87.9),
    Shell(total=1584, planes=72, phasing=39, altitude_km=550.0, inclination_deg=53.0),
)
NEIGHBOURLY = Shell(total=6000, planes=75, phasing=1, altitude_km=550.0, inclination_deg=53.0)


def _bench(by_numpy: int, repeats: int) -> Bench:
    """The shells of the docs, of which NumPy takes the smallest `by_numpy`."""
    numba = [Scale(shell=shell, engine="numba", repeats=repeats) for shell in GROWING]
    numpy = [Scale(shell=shell, engine="numpy", repeats=repeats) for shell in GROWING[:by_numpy]]
    closed = Scale(shell=GROWING[-1], engine="closed_form", repeats=repeats)
    neighbourly = Scale(shell=NEIGHBOURLY, engine="numba", neighbours=4, repeats=repeats)
    return Bench(
        paseos=AgainstPaseos(shell=SMALL, repeats=repeats),
        passes=tuple(AgainstPasses(shell=shell, asked=24, repeats=repeats) for shell in (SMALL, GROWING[2])),
        growth=(*numba, closed, neighbourly, *numpy),
        roofline=Scale(shell=GROWING[-1], engine="numba", repeats=repeats),
    )


STANDARD = _bench(by_numpy=3, repeats=3)
QUICK = _bench(by_numpy=2, repeats=2)


class Job(NamedTuple):
    """A measurement for a process of its own, and variables of its environment."""

    name: str
    work: Callable[[Any], Any]
    given: Any
    environment: Mapping[str, str]


def measured(bench: Bench, cases: Sequence[str], notify: Notify) -> dict[str, Any]:
    """The cases by name, as values of JSON; {"missing": package} where one is not installed.

    Skyfield, brahe and growth give lists. With growth comes `compile_s`: the CPU seconds of a first, small plan by
    numba with nothing compiled yet.
    Raises ScenarioError for unknown cases, and OrbitflError if one of the processes is killed.
    """
    unknown = sorted(set(cases) - set(CASES))
    if unknown:
        raise ScenarioError(f"{', '.join(unknown)} is not a case of the benchmark; choose from {', '.join(CASES)}.")
    results: dict[str, Any] = {"machine": machine()}
    with TemporaryDirectory() as folder:
        jobs = [job for case in CASES if case in cases for job in _jobs(bench, case, folder)]
        for done, job in enumerate(jobs):
            notify("contact bench", done, len(jobs))
            result = _in_its_own_process(job)
            results[job.name] = [*results.get(job.name, []), result] if job.name in SEVERAL else result
    notify("contact bench", len(jobs), len(jobs))
    return results | {case: {"missing": NEEDS[case]} for case in cases if _lacks(case)}


def _jobs(bench: Bench, case: str, folder: str) -> list[Job]:
    if _lacks(case):
        return []
    if case == "growth":
        scales = [scale for scale in bench.growth if scale.engine != "numba" or find_spec("numba")]
        # An empty cache of compiled code for one of them; the user's for all others.
        fresh = [scale for scale in scales if scale.engine == "numba"][:1]
        compiling = [Job("compile_s", first_plan_s, scale, {"NUMBA_CACHE_DIR": folder}) for scale in fresh]
        return [*compiling, *(Job(case, grown, scale, {}) for scale in scales)]
    work, given = {
        "paseos": (against_paseos, [bench.paseos]),
        "skyfield": (against_skyfield, bench.passes),
        "brahe": (against_brahe, bench.passes),
        "roofline": (_roofline, [bench.roofline]),
    }[case]
    return [Job(case, work, each, {}) for each in given]


def _lacks(case: str) -> bool:
    return case in NEEDS and find_spec(NEEDS[case]) is None


def _roofline(scale: Scale) -> dict[str, Any]:
    from orbitfl.bench.contacts.roofline import roofline  # numba is an extra

    return roofline(scale)


def _in_its_own_process(job: Job) -> Any:
    with (
        _environment({**ONE_THREAD, **job.environment}),
        ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as processes,
    ):
        try:
            return processes.submit(job.work, job.given).result()
        except BrokenProcessPool as error:
            raise OrbitflError(
                f"The case {job.name} was killed before its end, perhaps for want of memory; choose others with --only."
            ) from error


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Variables that processes started meanwhile find: libraries read them when they are loaded."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
