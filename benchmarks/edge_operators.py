"""What each operator of a bundle's graphs takes on one thread: python benchmarks/edge_operators.py BUNDLE [BUNDLE …]

Of every node the fastest of `--repeats` runs, added up by operator; onnxruntime's own profiler, whose notes make small
nodes some microseconds slower than they are.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime

from orbitfl.export.sessions import DECODER, ENCODER

END = "_kernel_time"
LEAST_MS = 0.05
"""Less is not a row of its own."""

Table = dict[str, float]
"""Milliseconds by operator."""


def main() -> None:
    parser = argparse.ArgumentParser(description="What each operator of bundles takes.")
    parser.add_argument("bundles", nargs="+", type=Path)
    parser.add_argument("--repeats", type=int, default=60)
    options = parser.parse_args()
    tables = {
        f"{bundle.name}, {graph.removesuffix('.onnx')}": operators_ms(bundle / graph, options.repeats)
        for bundle in options.bundles
        for graph in (ENCODER, DECODER)
    }
    print(markdown(tables))


def markdown(tables: dict[str, Table]) -> str:
    """A row per operator, the costliest first; a column per graph, in ms."""
    names = {name for table in tables.values() for name in table}
    totals_ms = {name: sum(table.get(name, 0) for table in tables.values()) for name in names}
    shown = [name for name in sorted(names, key=lambda name: -totals_ms[name]) if totals_ms[name] >= LEAST_MS]
    rows = [f"| operator | {' | '.join(tables)} |", f"|---|{'--:|' * len(tables)}"]
    rows += [f"| {name} | {' | '.join(f'{table.get(name, 0):.2f}' for table in tables.values())} |" for name in shown]
    rows.append(f"| all | {' | '.join(f'{sum(table.values()):.2f}' for table in tables.values())} |")
    return "\n".join(rows)


def operators_ms(graph: Path, repeats: int) -> Table:
    with TemporaryDirectory() as folder:
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads, settings.log_severity_level = 1, 3
        settings.enable_profiling, settings.profile_file_prefix = True, str(Path(folder) / "profile")
        session = onnxruntime.InferenceSession(graph, settings, providers=["CPUExecutionProvider"])
        feeds = {each.name: _filled(each) for each in session.get_inputs()}
        for _ in range(repeats):
            session.run(None, feeds)
        return _fastest_ms(json.loads(Path(session.end_profiling()).read_text()))


def _filled(wanted: Any) -> np.ndarray:
    """Noise of the shape that the graph wants, without prompts."""
    shape = [side if isinstance(side, int) else 0 for side in wanted.shape]
    values = np.random.default_rng(0).normal(size=shape)
    return values.astype(np.int64 if wanted.type == "tensor(int64)" else np.float32)


def _fastest_ms(events: list[dict[str, Any]]) -> Table:
    taken_us: dict[tuple[str, str], list[float]] = defaultdict(list)
    for event in events:
        if event["cat"] == "Node" and event["name"].endswith(END):
            taken_us[event["args"]["op_name"], event["name"]].append(event["dur"])
    table: Table = defaultdict(float)
    for (operator, _), each_us in taken_us.items():
        table[operator] += min(each_us) / 1e3
    return table


if __name__ == "__main__":
    main()
