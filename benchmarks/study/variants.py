"""What the study compares: every variant is the scenario constellations/study.yaml with a few keys changed."""

from pathlib import Path

SCENARIO = Path(__file__).parents[2] / "constellations" / "study.yaml"

STRATEGIES = {
    "base": ("exchange.strategy.kind=frozen",),
    "isolated": ("exchange.strategy.kind=isolated",),
    "gossip": (),
    "neighbourhood": ("exchange.strategy.kind=neighbourhood",),
    "two-level": ("exchange.strategy.kind=two_level",),
    "fedavg": ("exchange.strategy.kind=fedavg",),
    "centralised": ("exchange.strategy.kind=centralised",),
    "push-sum": ("exchange.strategy.kind=push_sum",),
    "noloco": ("exchange.strategy.kind=noloco",),
    "fedbuff": ("exchange.strategy={kind: fedbuff, buffer: 8}",),
    "diloco": ("exchange.strategy.kind=diloco",),
    # Without outer momentum, as Photon's ground server (arXiv 2411.02908).
    "photon": ("exchange.strategy={kind: diloco, lr: 1.0, momentum: 0.0}",),
    "ideal": ("exchange.strategy.kind=ideal_gossip",),
}

# A day, since a satellite has to fly over a scene before it can learn from it; as many steps as in the six hours.
OVERFLIGHT = (
    "duration_s=86400",
    "data.partition={kind: overflight}",
    "training.session_every_s=3600",
    "exchange.min_interval_s=3600",
    "evaluation.every_s=21600",
)
OVERFLOWN = {
    **{name: STRATEGIES[name] for name in ("base", "isolated", "gossip", "neighbourhood", "fedavg", "centralised")},
    # Across planes a quarter as often as within, as in the six hours.
    "two-level": ("exchange.strategy={kind: two_level, across_every_s: 14400}",),
}

INTERVALS = {
    "5 min": ("exchange.min_interval_s=300",),
    "60 min": ("exchange.min_interval_s=3600",),
    "240 min": ("exchange.min_interval_s=14400",),
}
TILES = {"2 tiles": 2, "8 tiles": 8}

WIRE = {
    "fp32": ("exchange.compressor.kind=fp32",),
    "int8": ("exchange.compressor.kind=int8",),
    "top 1 % int8": ("exchange.compressor.kind=top_k",),
    "low rank 4": ("exchange.compressor.kind=low_rank",),
    "low rank 4 int8": ("exchange.compressor={kind: low_rank, values: {kind: int8}}",),
    "lite fp16": ("model.trainable=mask_decoder_lite",),
    "lora fp16": ("model.trainable=lora",),
    "lora fp16, 2e-3": ("model.trainable=lora", "training.learning_rate=2.0e-3"),
    "prompt tokens fp16": ("model.trainable=prompt_tokens", "training.learning_rate=1.0e-2"),
}

LEAST = "low rank 4 int8"
"""The compressor of fewest bytes that costs nothing."""

CONSTANT = "training.schedule.kind=constant"
HELD = ("isolated", "gossip", "fedavg", "centralised")
"""Strategies that learn with constant steps as well."""
STEPS = {
    **{f"{name}, constant": (*STRATEGIES[name], CONSTANT) for name in HELD},
    **{f"{name}, constant": (*keys, CONSTANT) for name, keys in INTERVALS.items()},
    "8 tiles, constant": (f"training.most_tiles={TILES['8 tiles']}", CONSTANT),
    "gossip, constant 1e-4": (CONSTANT, "training.learning_rate=1.0e-4"),
}

LOST = "{sat-1: 10800, sat-6: 10800, sat-10: 10800, sat-14: 10800}"
SLOW = "{sat-0: 60, sat-3: 60, sat-8: 60, sat-13: 60}"
FAULTS = {
    "a quarter lost at half time": (f"faults.lost_satellites={LOST}",),
    "half of the windows lost": ("faults.lost_contacts=0.5",),
    "battery begins at 15 %": ("environment.initial_charge=0.15",),
    "a quarter sixty times slower": (f"faults.stragglers={SLOW}",),
    "a fifth of the masks mixed up": ("faults.label_noise=0.2",),
    "one flips signs, mean": ("faults.hostile={sat-5: sign_flipped}",),
    "clipped, nobody hostile": ("exchange.strategy.rule={kind: clipped}",),
    "one flips signs, clipped": ("exchange.strategy.rule={kind: clipped}", "faults.hostile={sat-5: sign_flipped}"),
}


def variants() -> dict[str, dict[str, tuple[str, ...]]]:
    """Per group and variant, the keys to change. Groups stand in the order in which they run."""
    few = {
        f"{strategy}, {name}": (*STRATEGIES[strategy], f"training.most_tiles={count}")
        for name, count in TILES.items()
        for strategy in ("isolated", "gossip")
    }
    return {
        "strategies": STRATEGIES,
        "steps": STEPS,
        "wire": WIRE,
        "overflight": {name: (*keys, *OVERFLIGHT) for name, keys in OVERFLOWN.items()},
        "interval": {**INTERVALS, f"240 min, {LEAST}": (*INTERVALS["240 min"], *WIRE[LEAST])},
        "tiles": few,
        "faults": FAULTS,
    }


def folder_name(group: str, variant: str, seed: int) -> str:
    plain = "".join(letter if letter.isalnum() else "-" for letter in variant)
    return f"{group}/{plain}/seed-{seed}"
