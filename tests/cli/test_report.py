"""`orbitfl report`: what it writes where, and what it says of folders that hold no run."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

import orbitfl as package


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, repository: Path, tiny: tuple[str, ...]) -> Path:
    less = ("exchange.controls=[]", "environment={kind: battery}")
    path = tmp_path_factory.mktemp("runs") / "run"
    package.run(package.load(repository / "constellations/first_light.yaml", [*tiny, *less]), path)
    return path


def test_the_page_stands_in_the_run_s_folder(orbitfl, folder: Path):
    ended = orbitfl("report", folder)
    assert ended.code == 0, ended.err
    page = folder / "report.html"
    assert ended.out == f"The report is {page}, {page.stat().st_size / 1e6:.1f} MB; open it with a browser.\n"
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_ending_chooses(orbitfl, folder: Path, tmp_path: Path):
    assert "open it with Cesium" in orbitfl("report", folder, "--out", tmp_path / "new/run.czml").out
    assert json.loads((tmp_path / "new/run.czml").read_text())[0]["name"] == "first-light"
    ended = orbitfl("report", folder, "--out", tmp_path / "run.docx")
    assert ended.code == 2 and "give a name that ends in .html or .czml" in ended.err


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        ("run.json", "holds no finished run: it has no run.json. Give a run's folder, or finish it by --resume."),
        ("records.parquet", "records.parquet cannot be read as a table"),
        ("transfers.parquet", "transfers.parquet cannot be read as a table"),
        ("contacts.parquet", "could not be read"),
        ("scenario.yaml", "could not be read"),
    ],
)
def test_half_a_run(orbitfl, folder: Path, tmp_path: Path, lost: str, message: str):
    shutil.copytree(folder, tmp_path / "half")
    (tmp_path / "half" / lost).unlink()
    ended = orbitfl("report", tmp_path / "half", "--out", tmp_path / "report.html")
    assert ended.code == 2 and message in ended.err and "Traceback" not in ended.err
    assert not (tmp_path / "report.html").exists()


@pytest.mark.parametrize("name", ["records", "energy"])
def test_a_table_cut_off(orbitfl, folder: Path, tmp_path: Path, name: str):
    shutil.copytree(folder, tmp_path / "cut")
    table = tmp_path / f"cut/{name}.parquet"
    table.write_bytes(table.read_bytes()[:-100])
    ended = orbitfl("report", tmp_path / "cut")
    assert (
        ended.code == 2
        and f"{name}.parquet cannot be read as a table" in ended.err
        and "run the scenario anew" in ended.err
    )


def test_tables_of_something_else(orbitfl, folder: Path, tmp_path: Path):
    for number, change in enumerate(
        (
            lambda table: table.drop(columns="value"),
            lambda table: table.loc[table["kind"] != "miou"],
            lambda table: table.assign(node="sat-99"),
            lambda table: table.assign(value="much"),
        )
    ):
        other = tmp_path / str(number)
        shutil.copytree(folder, other)
        change(pd.read_parquet(other / "records.parquet")).to_parquet(other / "records.parquet", index=False)
        ended = orbitfl("report", other)
        assert ended.code == 2 and "records" in ended.err and "run it anew" in ended.err, number


def test_a_folder_that_is_not_there(orbitfl, tmp_path: Path):
    ended = orbitfl("report", tmp_path / "nowhere")
    assert ended.code == 2 and "holds no finished run" in ended.err


def test_where_all_runs_failed_the_reason_is_told(orbitfl, tmp_path: Path):
    (tmp_path / "failed.json").write_text(json.dumps({"interval=9": "No satellite\nhas data.", "other": "x"}))
    ended = orbitfl("report", tmp_path)
    assert ended.code == 2 and len(ended.err.splitlines()) == 1
    assert "only such as failed. Failed: interval=9: No satellite has data." in ended.err
    assert not (tmp_path / "report.html").exists()
