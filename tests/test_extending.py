"""The examples of docs/extending.md, each run as a program of its own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "extending.md"
EXAMPLES = dict(re.findall(r"^## (.+?)\n.*?^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.M))


def ran(code: str, repository: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=repository, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", EXAMPLES)
def test_is_complete_and_short(name: str, repository: Path) -> None:
    parts = [line for line in EXAMPLES[name].splitlines() if line.strip()]
    assert len(parts) <= 40
    assert ran(EXAMPLES[name], repository).strip()


def test_every_section_has_an_example() -> None:
    assert list(EXAMPLES) == re.findall(r"^## (.+)$", PAGE.read_text(), re.M)


def test_the_own_link_is_the_mean_of_its_rate(repository: Path) -> None:
    checks = """
        for first_km, last_km in ((1400, 1600), (1600, 1400), (100, 1500), (1500, 1500), (1501, 1501)):
            r_km = np.sqrt(np.linspace(first_km**2, last_km**2, 200_001))
            beam = Beam(rate_bps=3e8, reach_km=1500.0)
            assert abs(beam.mean_between(first_km, last_km) - beam.rate_at(r_km).mean()) < 3e8 * 1e-4
        print("same")
    """
    lines = [line[8:] for line in checks.splitlines()]
    assert ran(EXAMPLES["A link"] + "\n".join(lines), repository).endswith("same\n")
