"""Every set of parameters learns whole, alone, and survives being written and read."""

from pathlib import Path

import numpy as np
import pytest
import torch

from orbitfl.errors import OrbitflError, WeightsError
from orbitfl.models import checkpoint
from orbitfl.models.mobile_sam import MobileSam, build
from orbitfl.models.trainable import TRAINABLE, equip, trained_keys
from orbitfl.training.crew import Crew, Job
from orbitfl.training.learner import DecoderLearner, Lessons
from orbitfl.training.options import Training
from orbitfl.training.prompts import PROMPTS

OWN = np.arange(12)
OPTIONS = Training(learning_rate=2e-3, batch_size=12)
SETS = tuple(TRAINABLE)


def pupil(model: MobileSam, trainable: str) -> DecoderLearner:
    return DecoderLearner(model, equip(model, trainable), OPTIONS)


@pytest.mark.parametrize("trainable", SETS)
def test_all_of_the_set_learns_and_nothing_else_moves(model: MobileSam, lessons: Lessons, trainable: str):
    learner = pupil(model, trainable)
    names = {name for name, _ in learner.shapes}
    before = {name: value.detach().clone() for name, value in [*model.named_parameters(), *model.named_buffers()]}
    after, _ = learner.train(learner.start(), lessons, OWN, 1, (0,))
    assert after.moments is not None
    gradients = learner.named(after.moments.first)
    assert names and all(np.abs(gradient).max() > 1e-8 for gradient in gradients.values())
    learner.train(after, lessons, OWN, 2, (0,))
    now = dict([*model.named_parameters(), *model.named_buffers()])
    assert {name for name, value in now.items() if not torch.equal(value, before[name])} == names


@pytest.mark.parametrize("trainable", SETS)
def test_a_saved_checkpoint_scores_what_the_run_scored(
    model: MobileSam, lessons: Lessons, trainable: str, tmp_path: Path
):
    learner = pupil(model, trainable)
    after, _ = learner.train(learner.start(), lessons, OWN, 20, (0,))
    scored = learner.score(after.weights, lessons)
    assert scored != learner.score(learner.launch, lessons)
    for suffix in ("safetensors", "pt"):
        checkpoint.save(learner.with_weights(after.weights), tmp_path / f"average.{suffix}")
        read = checkpoint.load_model(tmp_path / f"average.{suffix}", model.image_size)
        reader = DecoderLearner(read, (), Training())
        assert reader.score(reader.launch, lessons) == scored
        extra = set(read.state_dict()) - set(build("mobile_sam_nano", 64).state_dict())
        assert extra == ({checkpoint.TOKENS} if trainable == "prompt_tokens" else set())


@pytest.mark.parametrize("trainable", ["lora", "prompt_tokens"])
@pytest.mark.parametrize("prompt", ["none", "points", "box"])
def test_a_crew_trains_what_a_set_adds(model: MobileSam, lessons: Lessons, trainable: str, prompt: str):
    learner, told = pupil(model, trainable), Lessons(lessons.embeddings, lessons.masks, PROMPTS[prompt](lessons.masks))
    jobs = [Job(learner.start(), told, OWN, 2, (0, node)) for node in range(2)]
    one, two = (Crew(learner, workers).train_all(jobs) for workers in (1, 2))
    assert all(np.array_equal(a.weights, b.weights) for (a, _), (b, _) in zip(one, two, strict=True))
    assert not np.array_equal(one[0][0].weights, one[1][0].weights)


def test_low_rank_changes_begin_at_nothing(model: MobileSam, lessons: Lessons):
    plain = DecoderLearner(model, (), OPTIONS)
    before = plain.score(plain.launch, lessons)
    learner = pupil(model, "lora")
    assert learner.score(learner.launch, lessons) == before and not learner.launch.any()


def test_averaged_changes_are_the_average_of_the_matrices(model: MobileSam, lessons: Lessons):
    """The basis is the same everywhere, so no cross terms arise (Sun et al. 2024, section 3)."""
    learner = pupil(model, "lora")
    ends = [learner.train(learner.start(), lessons, OWN, 3, (0, node))[0].weights for node in range(2)]
    name = "mask_decoder.transformer.layers.0.cross_attn_token_to_image.q_proj.weight"
    average = (ends[0] + ends[1]) / np.float32(2)
    merged = [learner.with_weights(each).state_dict()[name].clone() for each in (*ends, average)]
    assert not torch.equal(merged[0], merged[1])
    torch.testing.assert_close((merged[0] + merged[1]) / 2, merged[2])


def test_what_a_set_adds_is_the_same_everywhere():
    for trainable in ("lora", "prompt_tokens"):
        torch.manual_seed(1)
        one = build("mobile_sam_nano", 64)
        other = build("mobile_sam_nano", 64)
        other.load_state_dict(one.state_dict())
        torch.manual_seed(2)
        equip(one, trainable)
        equip(other, trainable)
        states = [dict([*each.named_parameters(), *each.named_buffers()]) for each in (one, other)]
        assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_learned_tokens_go_on_learning(model: MobileSam, tmp_path: Path):
    """A checkpoint that brings tokens keeps them, however many a scenario would begin with."""
    equip(model, "prompt_tokens", prompt_tokens=3)
    checkpoint.save(model, tmp_path / "three.safetensors")
    read = checkpoint.load_model(tmp_path / "three.safetensors", 64)
    equip(read, "prompt_tokens", prompt_tokens=16)
    assert read.prompt_encoder.learned_tokens is not None and model.prompt_encoder.learned_tokens is not None
    assert torch.equal(read.prompt_encoder.learned_tokens, model.prompt_encoder.learned_tokens)


@pytest.mark.parametrize("shape", [(4, 127), (4,), (0, 128), (257, 128), (4, 128, 1)])
def test_tokens_of_another_shape_are_refused(model: MobileSam, tmp_path: Path, shape: tuple[int, ...]):
    torch.save({**model.state_dict(), checkpoint.TOKENS: torch.zeros(shape)}, tmp_path / "odd.pt")
    with pytest.raises(WeightsError, match="learned_tokens"):
        checkpoint.load(tmp_path / "odd.pt")


def test_an_unknown_set_is_refused(model: MobileSam):
    with pytest.raises(OrbitflError, match="mask_decoder_lite"):
        equip(model, "encoder")
    assert trained_keys(model)
