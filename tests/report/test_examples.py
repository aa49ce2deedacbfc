"""Pictures of scenes, truth, before and after."""

import base64
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image

from orbitfl.data.loading import load
from orbitfl.data.tiles import IGNORE
from orbitfl.errors import DataError
from orbitfl.experiment.result import RunResult
from orbitfl.report import page
from orbitfl.report.examples import INVENTED, LAND, MISSED, UNKNOWN, WATER, Example, examples


@pytest.fixture(scope="module")
def shown(result: RunResult) -> list[Example]:
    return examples(result)


def picture(url: str) -> np.ndarray:
    kind, _, content = url.removeprefix("data:image/").partition(";base64,")
    pixels = image.imread(io.BytesIO(base64.b64decode(content)), format=kind)[..., :3]
    return pixels if pixels.dtype == np.uint8 else np.rint(255 * pixels).astype(np.uint8)


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def test_they_are_tiles_of_the_evaluation_with_their_truth(result: RunResult, shown: list[Example], cache: Path):
    tiles = load(result.scenario.evaluation.data, cache)
    assert len({each.name for each in shown}) == len(shown) == 4
    for each in shown:
        (number,) = [n for n in range(len(tiles)) if likeness(tiles.images[n], picture(each.scene)) > 0.97]
        assert tiles.scene_names[tiles.scene[number]] == each.name
        truth, mask = picture(each.truth), tiles.masks[number]
        colours = {0: LAND, 1: WATER, IGNORE: UNKNOWN}
        for value in np.unique(mask):
            assert (truth[mask == value] == colours[int(value)]).all()


def test_colours_tell_the_score(result: RunResult, shown: list[Example]):
    for each in shown:
        for url, told_miou in ((each.before, each.before_miou), (each.after, each.after_miou)):
            drawn = picture(url)
            count = {colour: int((drawn == colour).all(axis=-1).sum()) for colour in (LAND, WATER, MISSED, INVENTED)}
            wrong = count[MISSED] + count[INVENTED]
            ious = [count[kind] / (count[kind] + wrong) for kind in (LAND, WATER)]
            assert told_miou == pytest.approx(100 * np.mean(ious))


def test_after_the_mission_most_are_better(shown: list[Example]):
    assert sum(each.after_miou > each.before_miou for each in shown) >= 3


def test_other_data_than_the_run_s_is_not_shown(result: RunResult, tmp_path: Path):
    (tmp_path / "run.json").write_text(json.dumps({"input_sha256": {"evaluation": "another"}}))
    elsewhere = replace(result, folder=tmp_path)
    with pytest.raises(DataError, match="no longer those of the run"):
        examples(elsewhere)
    assert "No examples: The evaluation&#x27;s scenes are no longer those of the run." in page.html_of(elsewhere)


def test_a_run_without_a_folder_has_none(result: RunResult):
    with pytest.raises(DataError, match="not written to a folder"):
        examples(replace(result, folder=None))
