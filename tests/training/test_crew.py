"""Any number of workers gives the bits of one learner on one thread."""

import numpy as np
import pytest
import torch

from orbitfl.errors import OrbitflError
from orbitfl.models.trainable import trained_keys
from orbitfl.training.crew import EXAM_TILES, Crew, Job
from orbitfl.training.learner import DecoderLearner, Lessons, Progress
from orbitfl.training.options import Training
from orbitfl.training.prompts import PROMPTS

OPTIONS = Training(learning_rate=2e-3, batch_size=4)


@pytest.fixture
def learner(model) -> DecoderLearner:
    return DecoderLearner(model, trained_keys(model), OPTIONS)


def sessions(begun: Progress, lessons: Lessons) -> list[Job]:
    """Five satellites with tiles, lengths and seeds of their own; two of them start from a session before."""
    launch = Progress(begun.weights * np.float32(0.9))
    return [
        Job(begun if node % 2 else launch, lessons, np.arange(node, 12 - node), 2 + node % 3, (0, node))
        for node in range(5)
    ]


def same(ones: list[tuple[Progress, float]], others: list[tuple[Progress, float]]) -> bool:
    return all(
        one.drawn == other.drawn
        and loss == other_loss
        and one.moments is not None
        and other.moments is not None
        and one.moments.steps == other.moments.steps
        and np.array_equal(one.weights, other.weights)
        and np.array_equal(one.moments.first, other.moments.first)
        and np.array_equal(one.moments.second, other.moments.second)
        for (one, loss), (other, other_loss) in zip(ones, others, strict=True)
    )


def test_sessions_have_the_same_bits_for_any_number_of_workers(learner: DecoderLearner, lessons: Lessons):
    begun, _ = learner.train(learner.start(), lessons, np.arange(12), 2, (9,))
    jobs = sessions(begun, lessons)
    alone = [learner.train(job.progress, job.lessons, job.own, job.steps, job.seed) for job in jobs]
    torch.set_num_threads(2)  # What the caller's own operations take makes no difference either.
    for workers in (1, 2, 3):
        assert same(Crew(learner, workers).train_all(jobs), alone)


@pytest.mark.parametrize("prompt", ["none", "points", "box"])
def test_exams_count_the_same_pixels_for_any_number_of_workers(learner: DecoderLearner, lessons: Lessons, prompt: str):
    longer = np.resize(np.arange(12), EXAM_TILES + 9)
    masks = lessons.masks[longer]
    exam = Lessons(lessons.embeddings[longer], masks, PROMPTS[prompt](masks))
    first, _ = learner.train(learner.start(), lessons, np.arange(12), 20, (0,))
    second, _ = learner.train(first, lessons, np.arange(12), 10, (0,))
    weights = [learner.launch, first.weights, second.weights]
    alone = [learner.score(each, exam) for each in weights]
    assert len(set(alone)) == 3
    for workers in (1, 2, 3):
        assert Crew(learner, workers).score_all(weights, exam) == alone


def test_a_crew_leaves_its_learner_and_the_number_of_threads_alone(learner: DecoderLearner, lessons: Lessons):
    crew = Crew(learner, 2)
    before = {name: value.clone() for name, value in learner.model.state_dict().items()}
    torch.set_num_threads(2)
    crew.train_all(sessions(learner.start(), lessons)[:1])
    assert torch.get_num_threads() == 2
    assert all(torch.equal(value, before[name]) for name, value in learner.model.state_dict().items())


def test_what_goes_wrong_in_a_job_is_told_and_the_crew_works_on(learner: DecoderLearner, lessons: Lessons):
    crew = Crew(learner, 2)
    job = sessions(learner.start(), lessons)[0]
    torn = Job(Progress(learner.launch[:-1]), lessons, job.own, 1, (0,))
    with pytest.raises(ValueError, match="parameters"):
        crew.train_all([job, torn, torn, torn])
    assert len(crew.train_all([job, job])) == 2


def test_an_empty_crew_is_refused(learner: DecoderLearner):
    with pytest.raises(OrbitflError, match="0 workers"):
        Crew(learner, 0)
