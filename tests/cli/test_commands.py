"""Every command, as a user types it."""

import dataclasses
import hashlib
import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch

from orbitfl.data.catalogue import DATA_SETS
from orbitfl.models import checkpoint
from orbitfl.models.mobile_sam import build

ORBITFL = Path(sys.executable).parent / "orbitfl"


@pytest.fixture
def first_light(repository: Path) -> Path:
    return repository / "constellations/first_light.yaml"


@pytest.fixture
def set_tiny(tiny: tuple[str, ...]) -> list[str]:
    return [word for override in (*tiny, "exchange.controls=[]") for word in ("--set", override)]


def test_run_prints_a_table_and_where_the_folder_is(orbitfl, first_light: Path, set_tiny: list[str], tmp_path: Path):
    ended = orbitfl("run", first_light, "--out", tmp_path / "run", "--seed", 3, *set_tiny)
    assert ended.code == 0, ended.err
    assert "gossip" in ended.out and str(tmp_path / "run") in ended.out
    assert "learning: gossip: 100 %" in ended.err
    assert json.loads((tmp_path / "run/run.json").read_text())["seed"] == 3


def test_run_dry_needs_no_folder(orbitfl, first_light: Path, set_tiny: list[str], tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = orbitfl("run", first_light, "--dry", *set_tiny)
    assert ended.code == 0, ended.err
    assert "24 done, 0 cut" in ended.out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_contacts_prints_a_summary_and_writes_the_plan(orbitfl, first_light: Path, tmp_path: Path, ending: str):
    ended = orbitfl("contacts", first_light, "--out", tmp_path / f"plan.{ending}")
    assert ended.code == 0, ended.err
    assert "contacts within 6 h from 2018-05-18T03:21:00Z" in ended.out
    assert "svalbard" in ended.out
    assert (tmp_path / f"plan.{ending}").stat().st_size > 1000


def test_validate_prints_the_resolved_scenario(orbitfl, first_light: Path):
    ended = orbitfl("validate", first_light)
    assert ended.code == 0 and "weight_decay: 0.01" in ended.out


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("epoch_utc=1956-01-01T00:00:00Z", "from 1957"),
        ("constellation={kind: omm, path: none.json}", "none.json could not be read"),
        ("ground_stations=[{name: sat-1, latitude_deg: 1, longitude_deg: 1}]", "given twice: sat-1"),
        ("contacts.pairs=[[sat-0, moon]]", "pairs names moon"),
        ("faults.lost_satellites={moon: 5}", "faults names moon"),
    ],
)
def test_validate_refuses_what_a_run_would(orbitfl, first_light: Path, change: str, told: str):
    one_sentence(orbitfl("validate", first_light, "--set", change), told)


def test_synthetic_scenes_can_be_made_checked_and_scored(orbitfl, tmp_path: Path):
    assert orbitfl("data", "synth", "--out", tmp_path / "scenes", "--scenes", 2, "--size-px", 256).code == 0
    checked = orbitfl("data", "check", tmp_path / "scenes")
    assert checked.code == 0 and "2 scenes, 131,072 known pixels" in checked.out
    bands = "B02, B03, B04, B08, B11, B12"
    assert checked.out.splitlines()[1:] == [f"  2 scenes (synthetic_00000, synthetic_00001): {bands}"]
    scored = orbitfl("evaluate", "--checkpoint", "nano-base", "--data", tmp_path / "scenes", "--json")
    assert scored.code == 0, scored.err
    assert 0 <= json.loads(scored.out)["miou"] <= 100


def test_baselines_are_scored_on_the_same_pixels(orbitfl, tmp_path: Path):
    scenes, train = tmp_path / "scenes", tmp_path / "train"
    for folder, seed in ((scenes, 1), (train, 2)):
        assert orbitfl("data", "synth", "--out", folder, "--scenes", 2, "--size-px", 128, "--seed", seed).code == 0
    school = ("--train", train, "--steps", 2, "--batch-size", 1, "--learning-rate", 1e-3, "--seed", 3)
    told = {}
    for contestant in (
        ("--baseline", "ndwi"),
        ("--baseline", "otsu"),
        ("--baseline", "unet", *school),
        ("--checkpoint", "nano-base", "--bands", "NDWI,B08,B04", "--image-px", 64),
    ):
        ended = orbitfl("evaluate", *contestant, "--data", scenes, "--tile-px", 64, "--json")
        assert ended.code == 0, ended.err
        told[contestant[1]] = json.loads(ended.out)
    assert {each["pixels"] for each in told.values()} == {2 * 128 * 128}
    assert len({each["true_water"] + each["false_land"] for each in told.values()}) == 1
    assert told["otsu"]["miou"] != told["ndwi"]["miou"]
    assert told["nano-base"]["data"]["bands"] == ["NDWI", "B08", "B04"]
    training = told["unet"]["training"]
    assert (training["steps"], training["batch_size"], training["seed"], training["tiles"]) == (2, 1, 3, 8)
    assert training["sha256"] != told["unet"]["data"]["sha256"]


def test_an_evaluation_without_json_is_a_table(orbitfl, tmp_path: Path):
    assert orbitfl("data", "synth", "--out", tmp_path / "scenes", "--scenes", 1, "--size-px", 256).code == 0
    ended = orbitfl("evaluate", "--baseline", "ndwi", "--data", tmp_path / "scenes")
    assert ended.code == 0, ended.err
    assert "iou_water" in ended.out and "65,536" in ended.out


def test_an_index_needs_no_torch(tmp_path: Path):
    code = (
        "import sys; from orbitfl.cli import main; sys.argv = ['orbitfl', *sys.argv[1:]]\n"
        "try: main()\nexcept SystemExit: print('torch' in sys.modules)"
    )
    scenes = tmp_path / "scenes"
    subprocess.run([ORBITFL, "data", "synth", "--out", scenes, "--scenes", "1", "--size-px", "256"], check=True)
    command = [sys.executable, "-c", code, "evaluate", "--baseline", "otsu", "--data", scenes]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "iou_water" in done.stdout and done.stdout.endswith("False\n"), done.stderr


def test_weights_check_tells_what_a_file_is(orbitfl, tmp_path: Path):
    ended = orbitfl("weights", "check", "nano-base", "--json")
    assert ended.code == 0 and json.loads(ended.out)["variant"] == "mobile_sam_nano"
    (tmp_path / "x.pt").write_bytes(b"junk")
    wrong = orbitfl("weights", "check", tmp_path / "x.pt")
    assert wrong.code == 2 and "damaged" in wrong.out


def test_pretraining_writes_a_loadable_checkpoint(orbitfl, tmp_path: Path):
    ended = orbitfl("pretrain", "--out", tmp_path / "base.safetensors", "--steps", 10, "--scenes", 2)
    assert ended.code == 0, ended.err
    assert "from one point" in ended.out
    assert checkpoint.variant_of(checkpoint.load(tmp_path / "base.safetensors")) == "mobile_sam_nano"


def test_bench_compares_both_ways_of_training(orbitfl):
    ended = orbitfl("bench", "training", "--model", "mobile_sam_nano", "--image-px", 64, "--repeats", 2, "--json")
    timed = json.loads(ended.out)
    assert ended.code == 0 and timed["ratio"] == pytest.approx(timed["naive_s"] / timed["kept_s"])


def one_sentence(ended, *parts: str) -> None:
    """Exit code 2, a message that names what is wrong, no traceback."""
    assert ended.code == 2
    for part in parts:
        assert part in ended.err
    assert "Traceback" not in ended.err and ended.err.count("\n") <= 2


def test_bad_scenarios(orbitfl, first_light: Path, tmp_path: Path):
    one_sentence(orbitfl("run", tmp_path / "none.yaml"), "none.yaml could not be read")
    one_sentence(orbitfl("run", first_light, "--set", "sead=1"), "sead is not a key", "seed")
    one_sentence(orbitfl("run", first_light, "--set", "compute=cray"), "compute: cray was given", "unibap_ix10")
    one_sentence(orbitfl("validate", first_light, "--set", "duration_s=long"), "duration_s is 'long'")
    one_sentence(orbitfl("contacts", first_light, "--out", tmp_path / "plan.xls"), ".csv")


def test_bad_data(orbitfl, first_light: Path, tmp_path: Path):
    def run_on(folder: Path):
        data = f"data={{kind: folder, path: {folder}}}"
        return orbitfl("run", first_light, "--out", tmp_path / "run", "--set", data)

    scenes = tmp_path / "scenes"
    assert orbitfl("data", "synth", "--out", scenes, "--scenes", 2, "--size-px", 256).code == 0
    first = sorted((scenes / "images").iterdir())[0]
    one_sentence(run_on(tmp_path / "nowhere"), "nowhere")
    (tmp_path / "empty").mkdir()
    one_sentence(run_on(tmp_path / "empty"), "empty")
    first.write_bytes(first.read_bytes()[:4000])
    one_sentence(run_on(scenes), first.name)
    first.unlink()
    one_sentence(run_on(scenes), first.name)
    shutil.rmtree(scenes / "masks")
    one_sentence(run_on(scenes), "masks")
    assert not (tmp_path / "run").exists()


def test_bad_evaluations(orbitfl, tmp_path: Path):
    scenes = tmp_path / "scenes"
    assert orbitfl("data", "synth", "--out", scenes, "--scenes", 1, "--size-px", 128).code == 0

    def evaluate(*options: object):
        return orbitfl("evaluate", "--data", scenes, "--tile-px", 64, *options)

    one_sentence(evaluate(), "Neither --checkpoint nor --baseline")
    one_sentence(evaluate("--checkpoint", "nano-base", "--baseline", "ndwi"), "Both --checkpoint and --baseline")
    one_sentence(evaluate("--baseline", "unet"), "--train")
    one_sentence(evaluate("--baseline", "ndwi", "--bands", "swir"), "--bands says nothing about --baseline ndwi")
    one_sentence(evaluate("--baseline", "otsu", "--prompt", "box"), "--prompt says nothing about --baseline otsu")
    one_sentence(evaluate("--checkpoint", "nano-base", "--steps", 3), "--steps says nothing about --checkpoint")
    one_sentence(evaluate("--checkpoint", "nano-base", "--bands", "B04,B05,B03"), "no band B05")
    one_sentence(evaluate("--checkpoint", "nano-base", "--bands", "colour"), "true_color, false_color, swir")
    one_sentence(evaluate("--baseline", "unet", "--train", tmp_path / "none"), "none")
    one_sentence(evaluate("--baseline", "unet", "--train", scenes, "--steps", 0), "steps is 0")


def test_bad_orders_of_data_sets(orbitfl, tmp_path: Path):
    one_sentence(orbitfl("data", "get"), "esw, sen1floods11, worldfloods")
    one_sentence(orbitfl("data", "get", "worldfloods", "--out", tmp_path / "x"), "CC BY-NC 4.0", "--accept-licence")
    assert orbitfl("data", "get", "landsat").code == 2
    assert not list(tmp_path.iterdir())


def test_data_sets_are_described_without_being_fetched(orbitfl):
    ended = orbitfl("data", "get", "--list")
    assert ended.code == 0, ended.err
    for part in ("esw", "sen1floods11", "worldfloods", "licence", "https://zenodo.org/records/5205674", "CC BY-NC 4.0"):
        assert part in ended.out


def test_a_data_set_is_fetched_with_its_terms_told_first(orbitfl, publisher, tmp_path: Path, monkeypatch):
    content, above = b"a tif", "isp-uv-es/WorldFloodsv2"
    for part in ("train", "val", "test"):
        for kind in ("S2", "gt"):
            entry = {"type": "file", "path": f"{part}/{kind}/a.tif", "size": len(content)}
            publisher.files[f"/api/datasets/{above}/tree/main/{part}/{kind}"] = json.dumps([entry]).encode()
            publisher.files[f"/datasets/{above}/resolve/main/{part}/{kind}/a.tif"] = content
    here = dataclasses.replace(DATA_SETS["worldfloods"], host=publisher.host)
    monkeypatch.setitem(DATA_SETS, "worldfloods", here)
    ended = orbitfl("data", "get", "worldfloods", "--out", tmp_path / "floods", "--accept-licence")
    assert ended.code == 0, ended.err
    assert ended.out.index("CC BY-NC 4.0") < ended.out.index("in 6 files, 6 of them without a checksum")
    assert f"no checksum is published; the SHA-256 of what came is {hashlib.sha256(content).hexdigest()}" in ended.out
    assert "not yet a data folder" in ended.out
    assert (tmp_path / "floods/test/gt/a.tif").read_bytes() == content
    one_sentence(orbitfl("data", "get", "worldfloods", "--out", tmp_path / "floods", "--accept-licence"), "not empty")


def test_bad_weights(orbitfl, first_light: Path, set_tiny: list[str], tmp_path: Path):
    command = ("run", first_light, "--out", tmp_path / "run", *set_tiny)

    def run_with(weights: Path):
        return orbitfl(*command, "--set", f"model.weights={weights}")

    official = ("--set", "model.weights=official", "--set", "model.kind=mobile_sam")
    torch.save({"other": torch.zeros(3)}, tmp_path / "other.pt")
    one_sentence(run_with(tmp_path / "other.pt"), "other.pt does not fit mobile_sam_nano")
    checkpoint.save(build("mobile_sam_nano", 64), tmp_path / "good.pt")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "good.pt").read_bytes()[:-5000])
    one_sentence(run_with(tmp_path / "cut.pt"), "cut.pt cannot be read")
    one_sentence(run_with(tmp_path / "none.pt"), "none.pt")
    one_sentence(orbitfl(*command, *official), "weights get")
    assert not (tmp_path / "run").exists()


def limit_files() -> None:
    """The system refuses files beyond 20 kB, as a full disk refuses them."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def test_no_space_for_the_run_folder(first_light: Path, set_tiny: list[str], tmp_path: Path, cache: Path, orbitfl):
    assert orbitfl("run", first_light, "--out", tmp_path / "filled_the_cache", *set_tiny).code == 0
    command = [ORBITFL, "run", first_light, "--out", tmp_path / "full", *set_tiny]
    ended = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit_files)
    assert ended.returncode == 2, ended.stderr
    assert "could not be written" in ended.stderr and "Free some space" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["filled_the_cache"]


def test_contact_plan_in_parquet_is_the_printed_one(orbitfl, first_light: Path, tmp_path: Path):
    printed = orbitfl("contacts", first_light, "--out", tmp_path / "plan.parquet").out
    assert printed.startswith(f"{len(pd.read_parquet(tmp_path / 'plan.parquet'))} contacts")
