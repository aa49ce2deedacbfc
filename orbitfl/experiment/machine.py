"""Which machine this is, in words."""

import platform
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")
BOARD = Path("/proc/device-tree/model")
"""What most ARM boards call themselves; their /proc/cpuinfo names no processor."""


def processor() -> str:
    """The processor's name, or the board's, or else the architecture."""
    lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines() if CPU_INFO.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    board = [BOARD.read_text(encoding="utf-8", errors="replace").strip("\0\n ")] if BOARD.exists() else []
    return next((name for name in [*named, *board] if name), platform.machine())
