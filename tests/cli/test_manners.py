"""How the command line behaves around its commands: examples, starter, doctor, Ctrl-C."""

import json
import os
import pty
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import typer

from orbitfl.cli import app, progress
from orbitfl.scenario import load

ORBITFL = Path(sys.executable).parent / "orbitfl"


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*path, name))
    if path and not hasattr(command, "commands"):
        yield path, command


COMMANDS = dict(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_an_example_that_its_own_parser_takes(path: tuple[str, ...]):
    epilog = COMMANDS[path].epilog or ""
    prefix = f"Example: orbitfl {' '.join(path)}"
    assert epilog.startswith(prefix)
    words = shlex.split(epilog.removeprefix(prefix).partition(" > ")[0])
    assert COMMANDS[path].make_context("orbitfl", words).params is not None


def test_the_version_is_told(orbitfl):
    assert orbitfl("--version").out == f"orbitfl {metadata.version('orbitfl')}\n"


@pytest.mark.parametrize("words", [("export", "@", "--out", "bundle"), ("evaluate", "--bundle", "@", "--data", ".")])
def test_a_path_too_long_to_ask_about_ends_in_a_sentence(tmp_path: Path, words: tuple[str, ...]):
    given = [300 * "x" if word == "@" else word for word in words]
    ended = subprocess.run([ORBITFL, *given], cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 2 and ended.stderr.count("\n") == 1, ended.stderr
    assert "File name too long" in ended.stderr


def test_a_starter_is_written_once_and_runs_from_any_folder(orbitfl, tmp_path: Path, monkeypatch, tiny):
    monkeypatch.chdir(tmp_path)
    assert orbitfl("init", "flood-watch").code == 0
    again = orbitfl("init", "flood-watch")
    assert again.code == 2 and "flood-watch.yaml exists" in again.err
    words = [word for override in (*tiny, "exchange.controls=[]") for word in ("--set", override)]
    ended = orbitfl("run", "flood-watch.yaml", *words)
    assert ended.code == 0, ended.err
    assert (tmp_path / "runs/flood-watch/run.json").exists()


@pytest.mark.parametrize("name", ["yes", "null", "Off", "e5"])
def test_a_starters_name_is_a_text_whatever_yaml_makes_of_it(orbitfl, tmp_path: Path, monkeypatch, name: str):
    monkeypatch.chdir(tmp_path)
    assert orbitfl("init", name).code == 0
    assert load(tmp_path / f"{name}.yaml").name == name


@pytest.mark.parametrize("name", ["a b", "", "../up", "name: {x: 1}", "x" * 65])
def test_a_starter_needs_a_plain_name(orbitfl, tmp_path: Path, monkeypatch, name: str):
    monkeypatch.chdir(tmp_path)
    ended = orbitfl("init", "--", name)
    assert ended.code == 2 and "not a name for a scenario" in ended.err
    assert not list(tmp_path.iterdir())


def test_the_schema_is_json(orbitfl):
    assert json.loads(orbitfl("schema").out)["properties"]["seed"]["type"] == "integer"


def test_the_doctor_tells_versions_and_the_size_of_the_caches(orbitfl, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("ORBITFL_CACHE", str(tmp_path / "kept"))
    (tmp_path / "kept/contacts").mkdir(parents=True)
    (tmp_path / "kept/contacts/a.parquet").write_bytes(bytes(1_500_000))
    ended = orbitfl("doctor", "--json")
    told = json.loads(ended.out)
    assert ended.code == (0 if all(each["ok"] for each in told.values()) else 1)
    assert told["contact plans"]["found"] == "1.5 MB"
    assert told["python"]["found"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}")
    assert "orbitfl weights get official" in told["weights"]["advice"]


def test_the_doctor_finds_damaged_weights(orbitfl, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("ORBITFL_CACHE", str(tmp_path))
    (tmp_path / "mobile_sam.pt").write_bytes(b"not it")
    ended = orbitfl("doctor")
    assert ended.code == 1
    assert "official ones damaged" in ended.out and "remove it" in ended.out


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_stopped_ends_with_one_line_and_resume_goes_on(
    tmp_path: Path, repository: Path, tiny: tuple[str, ...], number: int, code: int
):
    words = [word for override in (*tiny, "exchange.controls=[]") for word in ("--set", override)]
    command = [str(ORBITFL), "run", str(repository / "constellations/first_light.yaml"), "--out", "run", *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=environment) as running:
        assert running.stderr is not None
        told = [running.stderr.readline()]
        running.send_signal(number)
        told.append(running.stderr.read())
    last = told[1].splitlines()[-1]
    assert running.returncode == code, told
    assert last.startswith("orbitfl: stopped; go on with it by: orbitfl run") and last.endswith("--resume")
    assert "Traceback" not in told[1]
    again = shlex.split(last.partition("by: ")[2])
    done = subprocess.run([ORBITFL, *again[1:]], cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run/run.json").exists()


def test_a_terminal_sees_the_time_left_and_a_pipe_plain_lines(tmp_path: Path):
    ours, theirs = pty.openpty()
    command = [ORBITFL, "data", "synth", "--scenes", "2", "--size-px", "128", "--out"]
    subprocess.run([*command, "seen"], cwd=tmp_path, stderr=theirs, stdout=subprocess.DEVNULL, check=True)
    os.close(theirs)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert "gone, left" in shown and "100 %" in shown
    piped = subprocess.run([*command, "piped"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert piped.stderr.splitlines() == ["scenes: 50 %", "scenes: 100 %"]


def test_short_work_stays_silent(monkeypatch: pytest.MonkeyPatch):
    now_s, told = [100.0], []
    monkeypatch.setattr(progress, "monotonic", lambda: now_s[0])
    notify = progress.patient(lambda *words: told.append(words))
    notify("passes", 1, 4)
    now_s[0] += progress.PATIENCE_S + 0.1
    notify("passes", 2, 4)
    assert told == [("passes", 2, 4)]


PRINTING = (["schema"], ["contacts", "constellations/first_light.yaml"], ["--help"])


@pytest.mark.parametrize("arguments", PRINTING, ids=lambda words: words[0])
def test_a_full_disk_behind_stdout_ends_in_a_sentence(repository: Path, arguments: list[str]):
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([ORBITFL, *arguments], cwd=repository, stdout=full, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == 2
    assert ended.stderr == (
        "orbitfl: stdout could not be written: No space left on device. Free some space, or send it to another file.\n"
    )


@pytest.mark.parametrize("arguments", PRINTING, ids=lambda words: words[0])
def test_a_reader_that_has_left_is_no_news(repository: Path, arguments: list[str]):
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run([ORBITFL, *arguments], cwd=repository, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (ended.returncode, ended.stderr) == (1, "")


def test_a_name_that_stdout_cannot_express_ends_in_a_sentence(repository: Path):
    stations = "ground_stations=[{name: Kirunå, latitude_deg: 67.9, longitude_deg: 21}]"
    command = [ORBITFL, "contacts", "constellations/first_light.yaml", "--set", stations]
    encodings = ("ascii", "utf-8:backslashreplace")
    refused, advised = (
        subprocess.run(
            command,
            cwd=repository,
            env={**os.environ, "PYTHONUTF8": "1", "PYTHONIOENCODING": encoding},
            capture_output=True,
            encoding="utf-8",
        )
        for encoding in encodings
    )
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        "orbitfl: stdout is encoded as ascii, which has no '\\xe5'; set PYTHONIOENCODING=utf-8:backslashreplace, and "
        "try again.\n"
    )
    assert advised.returncode == 0 and "Kirunå" in advised.stdout


def test_what_fails_for_other_reasons_is_not_blamed_on_stdout(orbitfl, monkeypatch: pytest.MonkeyPatch):
    """Such as a fault of ours: it has to be seen."""

    def fail() -> None:
        "å".encode("ascii")

    monkeypatch.setattr("orbitfl.cli.app", fail)
    with pytest.raises(UnicodeEncodeError):
        orbitfl("schema")
