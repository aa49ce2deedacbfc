"""The kernel's own counts are the authority."""

import subprocess
import sys

import numpy as np
import pytest

from orbitfl.process import peak_byte

COUNTED = """
from resource import RUSAGE_SELF, getrusage
from orbitfl.process import keep_freed_memory
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


def test_peak_memory_grows():
    before = peak_byte()
    if before is None:
        pytest.skip("/proc tells no peak of memory here")
    filled = np.ones(before + (8 << 20), np.uint8)
    after = peak_byte()
    assert after is not None and after > len(filled)
