"""What a run has to say: its tables, a summary and a figure."""

from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from orbitfl import results
from orbitfl.contacts import ContactPlan, read
from orbitfl.errors import ScenarioError, StorageError
from orbitfl.experiment.response import BENT_PIPE, ONBOARD, first_maps
from orbitfl.results import AVERAGE, Cost, Curve, cost_to, curve_of
from orbitfl.scenario import Scenario, load

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONTROLS = "controls"
"""The folder of a run's controls, within its own."""


@dataclass(frozen=True)
class RunResult:
    """One strategy's run, and those of its controls.

    records: t_s, node, kind, value. transfers: from, to, start_s, end_s, byte, outcome. energy: node, activity,
    start_s, end_s and what it cost. response: what became of each image of the event, if there is one. folder: where
    all of it is written, if it is.
    """

    scenario: Scenario
    plan: ContactPlan
    records: pd.DataFrame
    transfers: pd.DataFrame
    energy: pd.DataFrame
    response: pd.DataFrame | None = None
    folder: Path | None = None
    controls: dict[str, "RunResult"] = field(default_factory=dict)

    @property
    def strategy(self) -> str:
        return self.scenario.exchange.strategy.kind

    def all_runs(self) -> dict[str, "RunResult"]:
        """This run and its controls by strategy."""
        return {self.strategy: self, **self.controls}

    def scores(self, kind: str = "miou") -> pd.DataFrame:
        """One score in percent: a row per evaluation time, a column per satellite and one for the average model."""
        chosen = self.records.loc[self.records["kind"] == kind]
        return chosen.pivot_table(index="t_s", columns="node", values="value")

    def satellites(self, kind: str = "miou") -> pd.DataFrame:
        """As `scores`, the satellites alone."""
        return self.scores(kind).loc[:, list(self.plan.satellite_names)]

    def curve(self) -> Curve:
        """Scores over the satellites and what they cost, at each evaluation; see `orbitfl.results.curve_of`."""
        return curve_of(self.records, self.plan.satellite_names)

    def to_target(self, target_miou: float) -> Cost:
        """Seconds, bytes and joules until the satellites' mean mIoU first was `target_miou` percent; see `Cost`.

        Raises ScenarioError for a target that is not a percentage.
        """
        return cost_to(self.curve(), target_miou)

    def summary(self) -> pd.DataFrame:
        """A row per strategy: mIoU in percent at the start and at the end, steps, and what was sent."""
        return pd.DataFrame([run._row() for run in self.all_runs().values()]).set_index("strategy")

    def first_maps(self) -> pd.DataFrame:
        """How soon after the event its map was on the ground: a row per strategy, and one for the bent pipe.

        Raises ScenarioError if the scenario has no event.
        """
        event = self.scenario.event
        if event is None or self.response is None:
            raise ScenarioError("The scenario has no event, so nothing was to be mapped; add event: to it.")
        event_s = self.scenario.since_epoch_s(event.time_utc)
        rows = {
            name: first_maps(event_s, run.response, ONBOARD)
            for name, run in self.all_runs().items()
            if run.response is not None
        }
        rows[BENT_PIPE] = first_maps(event_s, self.response, BENT_PIPE)
        return pd.DataFrame.from_dict(rows, orient="index")

    def figure(self) -> "Figure":
        """mIoU against mission time for each strategy, the contact timeline, and the state of charge."""
        from orbitfl import figures  # matplotlib is slow to import, and a run without a figure needs none

        curves = {name: run.satellites() for name, run in self.all_runs().items()}
        return figures.mission_figure(self.scenario.name, curves, self.plan.to_frame(), self.transfers, self.energy)

    def plot(self) -> "Figure":
        """The figure, for a notebook to show."""
        from matplotlib import pyplot

        pyplot.switch_backend(pyplot.get_backend())  # only then does a notebook know how to show a figure
        return self.figure()

    @classmethod
    def from_folder(cls, folder: Path | str) -> "RunResult":
        """The run that lies in `folder`, with its controls. Raises StorageError if none does, or it is not finished."""
        folder = Path(folder)
        if not (folder / "run.json").is_file():
            raise StorageError(
                f"{folder} holds no finished run: it has no run.json. Give a run's folder, or finish it by --resume."
            )
        found = {name: results.read_table(folder, name) for name in ("records", "transfers", "energy")}
        response = results.read_table(folder, "response") if (folder / "response.parquet").exists() else None
        scenario, plan = load(folder / "scenario.yaml"), read(folder / "contacts.parquet")
        # In the scenario's order, as the run had them: a picture drawn from the folder is the same.
        places = {name: folder / CONTROLS / name for name in scenario.exchange.controls}
        controls = {name: cls.from_folder(each) for name, each in places.items() if (each / "run.json").exists()}
        return cls(scenario, plan, **found, response=response, folder=folder, controls=controls)

    def _repr_html_(self) -> str:
        title = (
            f"{self.scenario.name}: {self.strategy}, {self.plan.satellite_count} satellites, "
            f"{self.scenario.duration_s / 3600:g} h" + (f", in {self.folder}" if self.folder is not None else "")
        )
        return f"<p>{escape(title)}</p>{self.summary().to_html(float_format='{:.1f}'.format)}"

    def _row(self) -> dict[str, object]:
        satellites = self.satellites().to_numpy()
        return {
            "strategy": self.strategy,
            "base": satellites[0].mean(),
            "mean": satellites[-1].mean(),
            "worst": satellites[-1].min(),
            "best": satellites[-1].max(),
            "average model": self.scores()[AVERAGE].to_numpy()[-1],
            "steps": int(self.satellites("steps").to_numpy()[-1].sum()),
            "exchanges": int(self.scores("transfers done").to_numpy()[-1, 0]),
            "sent MB": self.satellites("sent_byte").to_numpy()[-1].sum() / 1e6,
        }
