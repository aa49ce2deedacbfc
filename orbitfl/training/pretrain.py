"""The recipe of `nano-base`: a class-agnostic promptable segmenter, learnt from synthetic scenes alone.

As in Segment Anything (Kirillov et al. 2023, arXiv 2304.02643, section 3): show a region by a point, a few points or
a box, ask for its mask; of the three masks for a single point only the best one learns; the IoU head learns what was
reached. A region is any connected piece of a scene: a field, a lake, a town block. Which are water is never said.

Prompts alone teach slowly, since a batch asks about few regions. A sketch head, thrown away afterwards, asks about
every cell: from what the decoder sees without any prompt it draws all six bands of the scene, of which the network is
shown three in changed light, and the borders between regions. So the view from which masks are drawn onboard learns
how surfaces reflect in the infrared.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from orbitfl.data.cutting import stretched
from orbitfl.data.synth import synthesize
from orbitfl.models.mobile_sam import MobileSam, build
from orbitfl.models.preprocess import prepare
from orbitfl.training.loss import mask_losses

BANDS, TRUE_COLOUR = 6, [2, 1, 0]
SKETCH_WEIGHT = 5.0
LEAST_REGION_PX = 64
UNSEEN = 1_000_000


@dataclass(frozen=True)
class Pretraining:
    """scenes of scene_px pixels are drawn once; every step takes batch_size crops of image_px from them."""

    seed: int = 0
    scenes: int = 400
    scene_px: int = 512
    image_px: int = 256
    steps: int = 2400
    batch_size: int = 8
    learning_rate: float = 1.0e-3
    warm_up_steps: int = 200
    weight_decay: float = 0.05
    clip_norm: float = 1.0


@dataclass(frozen=True)
class Pool:
    """bands (n, H, W, 6) uint8, stretched, and regions (n, H, W) int32, each pixel with the number of its region."""

    bands: NDArray[np.uint8]
    regions: NDArray[np.int32]


@dataclass(frozen=True)
class Examples:
    """A batch: images (B, S, S, 3) uint8 as the network is shown them, all bands (B, S, S, 6) uint8 as they are.

    borders (B, S, S) bool, True where the next pixel is of another region; one region each (B, S, S) bool.
    Prompts for the region, in pixels: points (B, 3, 2) inside it, boxes (B, 4) around it, a little off.
    """

    images: NDArray[np.uint8]
    bands: NDArray[np.uint8]
    borders: NDArray[np.bool_]
    regions: NDArray[np.bool_]
    points: NDArray[np.float32]
    boxes: NDArray[np.float32]


def draw_pool(first_seed: int, scenes: int, scene_px: int) -> Pool:
    drawn = [synthesize(first_seed + i, scene_px) for i in range(scenes)]
    everywhere = np.ones((scene_px, scene_px), dtype=bool)
    bands = np.stack([stretched(scene.reflectance, everywhere) for scene in drawn])
    return Pool(np.moveaxis(bands, 1, -1), np.stack([scene.regions for scene in drawn]))


def pretrain(options: Pretraining, on_step: Callable[[int, float], None] = lambda step, loss: None) -> MobileSam:
    """Run the recipe and return the network in eval mode. `on_step` hears each step's number and loss."""
    torch.manual_seed(options.seed)
    model = build("mobile_sam_nano", options.image_px).train()
    sketch = nn.Conv2d(model.variant.embedding_dim // 8, BANDS + 1, 1)
    groups = _parameter_groups(nn.ModuleList([model, sketch]), options.weight_decay)
    optimizer = torch.optim.AdamW(groups, lr=options.learning_rate)
    warm_up = min(options.warm_up_steps / options.steps, 0.5)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, options.learning_rate, options.steps, pct_start=warm_up)
    pool = draw_pool(options.seed * UNSEEN, options.scenes, options.scene_px)
    for step, examples in enumerate(_batches(pool, options), start=1):
        optimizer.zero_grad(set_to_none=True)
        embeddings = model.encode(prepare(examples.images, model.image_size))
        loss = _prompted_loss(model, embeddings, examples) + _sketch_loss(
            sketch(_unprompted(model, embeddings)), examples
        )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), options.clip_norm)
        optimizer.step()
        schedule.step()
        on_step(step, loss.item())
    return model.eval()


def prompted_iou(model: MobileSam, options: Pretraining, scenes: int = 40) -> dict[str, float]:
    """Mean IoU in percent, over regions of scenes that no seed below UNSEEN draws, for a point and for a box."""
    rng = np.random.default_rng(options.seed)
    pool = draw_pool(options.seed * UNSEEN + UNSEEN // 2, scenes, options.scene_px)
    reached: dict[str, list[Tensor]] = {"point": [], "box": []}
    for _ in range(scenes):
        examples = _examples(rng, pool, options.batch_size, options.image_px)
        with torch.inference_mode():
            embeddings = model.encode(prepare(examples.images, model.image_size))
            target = _target(examples, model.image_size // 4)
            logits, expected = _from_point(model, embeddings, examples)
            chosen = expected.argmax(dim=1, keepdim=True)
            reached["point"].append(_iou(logits, target).gather(1, chosen))
            reached["box"].append(_iou(_from_box(model, embeddings, examples)[0], target))
    return {prompt: 100 * float(torch.cat(values).mean()) for prompt, values in reached.items()}


def _parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Weight matrices decay; biases, norms and attention's bias tables do not."""
    named = list(model.named_parameters())
    plain = [value for name, value in named if value.dim() < 2 or name.endswith("attention_biases")]
    matrices = [value for name, value in named if value.dim() >= 2 and not name.endswith("attention_biases")]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]


def _unprompted(model: MobileSam, embeddings: Tensor) -> Tensor:
    """What masks are drawn from without a prompt, (B, dim / 8, S/4, S/4)."""
    image, position = embeddings + model.prompt_encoder.no_mask(), model.prompt_encoder.image_position()
    return model.mask_decoder.drawn_from(image, position, embeddings.new_zeros(len(image), 0, image.shape[1]))


def _sketch_loss(drawn: Tensor, examples: Examples) -> Tensor:
    """drawn: six bands from 0 to 1 and the logit of a border, (B, 7, S/4, S/4)."""
    side_px = drawn.shape[-1]
    bands = torch.from_numpy(examples.bands).permute(0, 3, 1, 2).float() / 255
    borders = torch.from_numpy(examples.borders)[:, None].float()
    wrong_bands = functional.l1_loss(drawn[:, :BANDS], functional.adaptive_avg_pool2d(bands, side_px))
    wrong_borders = functional.binary_cross_entropy_with_logits(
        drawn[:, BANDS:], functional.adaptive_max_pool2d(borders, side_px)
    )
    return SKETCH_WEIGHT * wrong_bands + wrong_borders


def _prompted_loss(model: MobileSam, embeddings: Tensor, examples: Examples) -> Tensor:
    target = _target(examples, model.image_size // 4)
    losses = []
    for answer in (_from_point, _from_points, _from_box):
        logits, expected = answer(model, embeddings, examples)
        of_masks = mask_losses(logits, target, torch.ones_like(target))
        surprise = (expected - _iou(logits.detach(), target)) ** 2
        losses.append(of_masks.min(dim=1).values.mean() + surprise.mean())
    return torch.stack(losses).mean()


def _from_point(model: MobileSam, embeddings: Tensor, examples: Examples) -> tuple[Tensor, Tensor]:
    points = torch.from_numpy(examples.points[:, :1])
    return model.decode(embeddings, points, torch.ones(points.shape[:2]), multimask=True)


def _from_points(model: MobileSam, embeddings: Tensor, examples: Examples) -> tuple[Tensor, Tensor]:
    points = torch.from_numpy(examples.points)
    return model.decode(embeddings, points, torch.ones(points.shape[:2]))


def _from_box(model: MobileSam, embeddings: Tensor, examples: Examples) -> tuple[Tensor, Tensor]:
    return model.decode(embeddings, boxes=torch.from_numpy(examples.boxes))


def _target(examples: Examples, side_px: int) -> Tensor:
    """The part of each logit's cell that the region fills, (B, 1, side, side)."""
    return functional.adaptive_avg_pool2d(torch.from_numpy(examples.regions)[:, None].float(), side_px)


def _iou(logits: Tensor, target: Tensor) -> Tensor:
    predicted, truth = logits > 0, (target > 0.5).expand_as(logits)
    union = (predicted | truth).sum(dim=(2, 3)).clamp(min=1)
    return (predicted & truth).sum(dim=(2, 3)) / union


def _batches(pool: Pool, options: Pretraining) -> Iterator[Examples]:
    rng = np.random.default_rng(options.seed)
    for _ in range(options.steps):
        yield _examples(rng, pool, options.batch_size, options.image_px)


def _examples(rng: np.random.Generator, pool: Pool, batch_size: int, image_px: int) -> Examples:
    columns = zip(*(_example(rng, pool, image_px) for _ in range(batch_size)), strict=True)
    return Examples(*(np.stack(column) for column in columns))


def _example(rng: np.random.Generator, pool: Pool, image_px: int) -> tuple[NDArray, ...]:
    scene = rng.integers(len(pool.bands))
    row, column = rng.integers(0, pool.bands.shape[1] - image_px + 1, size=2)
    window = np.s_[scene, row : row + image_px, column : column + image_px]
    turns, mirrored = int(rng.integers(4)), bool(rng.random() < 0.5)
    bands, labels = (_turned(array[window], turns, mirrored) for array in (pool.bands, pool.regions))
    image = _relit(rng, bands[..., TRUE_COLOUR])
    region = labels == _pick_region(rng, labels)
    return image, bands, _borders(labels), region, _points_in(rng, region, 3), _box_around(rng, region)


def _borders(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """True where the pixel below or to the right belongs to another region."""
    borders = np.zeros(labels.shape, dtype=bool)
    borders[:-1] |= labels[:-1] != labels[1:]
    borders[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    return borders


def _turned(array: NDArray, turns: int, mirrored: bool) -> NDArray:
    turned = np.rot90(array, turns)
    return turned[:, ::-1] if mirrored else turned


def _relit(rng: np.random.Generator, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Other light, haze and colour balance: a gamma, and a gain and an offset per channel."""
    gamma, gain, offset = rng.uniform(0.7, 1.4), rng.uniform(0.75, 1.2, 3), rng.uniform(-0.06, 0.1, 3)
    lit = (image / np.float32(255)) ** gamma * gain + offset
    return (lit.clip(0, 1) * 255).astype(np.uint8)


def _pick_region(rng: np.random.Generator, labels: NDArray[np.int32]) -> int:
    """Half of the time by area, half of the time any region alike, of those that are not specks."""
    names, areas_px = np.unique(labels, return_counts=True)
    large = areas_px >= min(LEAST_REGION_PX, areas_px.max())
    names, areas_px = names[large], areas_px[large]
    by_area = areas_px / areas_px.sum() if rng.random() < 0.5 else None
    return int(rng.choice(names, p=by_area))


def _points_in(rng: np.random.Generator, region: NDArray[np.bool_], count: int) -> NDArray[np.float32]:
    rows, columns = np.nonzero(region)
    chosen = rng.integers(len(rows), size=count)
    return np.stack([columns[chosen], rows[chosen]], axis=1).astype(np.float32)


def _box_around(rng: np.random.Generator, region: NDArray[np.bool_]) -> NDArray[np.float32]:
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    box = np.array([columns[0], rows[0], columns[-1], rows[-1]], dtype=np.float32)
    sides_px = np.tile(box[2:] - box[:2], 2)
    jitter_px = np.minimum(0.1 * sides_px, 20) * rng.standard_normal(4)
    return np.clip(box + jitter_px, 0, region.shape[0] - 1).astype(np.float32)
