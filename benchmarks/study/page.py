"""Write docs/study.md and its figures from the runs that are finished."""

from pathlib import Path

import tables
from figures import draw_all
from reading import read_curves, read_seconds
from variants import HELD

TEMPLATE = Path(__file__).with_name("template.md")
TARGET, TARGET_OVERFLIGHT = 64.0, 60.0
LIMITS = (("t_s", 10_800.0), ("t_s", 21_600.0), ("byte", 150e6), ("byte", 800e6), ("joule", 900e3))
LIMITS_WIRE = (("t_s", 10_800.0), ("t_s", 21_600.0), ("byte", 10e6), ("byte", 60e6))


def write_page(out: Path, page: Path, seeds: int) -> None:
    """`page`/study.md and `page`/study/*.png."""
    curves = read_curves(out, seeds)
    half = curves[curves["t_s"] <= curves.groupby("group")["t_s"].transform("max") / 2]
    told = {
        "runs": len(curves.groupby(["group", "variant", "seed"])),
        "minutes": f"{read_seconds(out, seeds) / 60:.0f}",
        "seeds": seeds,
        "evaluations": "an hour and a half (by overflight six hours)",
        "claims": tables.claims(curves, tables.CLAIMS),
        "claims_half": tables.claims(half, tables.CLAIMS),
        "besides": tables.claims(curves, tables.BESIDES),
        "steps": tables.over_time(curves, [("strategies", name) for name in HELD], "steps"),
        "steps_scores": tables.scores(curves, "steps"),
        "constant": tables.claims(curves, tables.CONSTANT_CLAIMS),
        "budgets": tables.budgets(curves, "strategies", LIMITS),
        "scores": tables.scores(curves, "strategies"),
        "overflight": tables.scores(curves, "overflight"),
        "target": f"{TARGET:g}",
        "target_overflight": f"{TARGET_OVERFLIGHT:g}",
        "targets": tables.targets(curves, "strategies", TARGET),
        "targets_overflight": tables.targets(curves, "overflight", TARGET_OVERFLIGHT),
        "intervals": tables.scores(curves, "interval"),
        "tiles": tables.scores(curves, "tiles"),
        "wires": tables.wires(curves),
        "budgets_wire": tables.budgets(curves, "wire", LIMITS_WIRE),
        "robustness": tables.robustness(curves),
    }
    draw_all(curves, page / "study")
    (page / "study.md").write_text(TEMPLATE.read_text().format(**told))
