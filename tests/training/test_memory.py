"""The kernel's own count of pages is the authority."""

import subprocess
import sys

import pytest

COUNTED = """
from resource import RUSAGE_SELF, getrusage
from orbitfl.training.memory import keep_freed_memory
{before}
for _ in range(6):
    pages = getrusage(RUSAGE_SELF).ru_minflt
    b"x" * 2**26
print(getrusage(RUSAGE_SELF).ru_minflt - pages)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only the GNU C library has this setting")
def test_large_arrays_take_the_pages_of_those_before_them():
    fresh, kept = (
        int(
            subprocess.run(
                [sys.executable, "-c", COUNTED.format(before=before)], capture_output=True, check=True
            ).stdout
        )
        for before in ("", "keep_freed_memory()")
    )
    assert 10 * kept < fresh
