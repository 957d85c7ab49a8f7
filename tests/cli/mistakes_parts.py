"""Mistakes in the choice of an objective, of what it works with, and of a search without a gradient."""

from mistake import Mistake

DREAMER = "train dreamer --env gym:Pendulum-v1"
WORLDMODELS = "train worldmodels --env gym:Pendulum-v1"

STAGES = [
    Mistake(
        "an objective in stages for a preset that has none",
        f"{DREAMER} --objective vision-memory --posterior encode",
        "--objective vision-memory learns in stages of its own, unlike dreamer: choose --objective filtering or "
        "--objective two-models",
    ),
    Mistake(
        "one that learns all at once for a preset of stages",
        f"{WORLDMODELS} --objective filtering --latent gaussian",
        "--objective filtering learns all at once, unlike worldmodels: choose --objective vision-memory",
    ),
    Mistake(
        "a mixture where a mismatch must not be negative",
        f"{DREAMER} --latent mixture",
        "--objective filtering needs a mismatch that is never below zero, and --latent mixture estimates it from one "
        "sample: add --latent gaussian or --latent categorical",
    ),
    Mistake(
        "a posterior that reads the past, for V",
        f"{WORLDMODELS} --posterior filter",
        "--objective vision-memory encodes observations one by one, and --posterior filter needs the past: add "
        "--posterior encode",
    ),
    Mistake(
        "a decoder that reads the memory, for V",
        f"{WORLDMODELS} --decoder.reads hz",
        "--decoder.reads must be z with --objective vision-memory: V knows of no h",
    ),
    Mistake("no rounds", f"{WORLDMODELS} --objective.rounds 0", "objective.rounds must be at least 1, not 0…"),
    Mistake(
        "a negative weight of V",
        f"{WORLDMODELS} --objective.vision.image -1",
        "objective.vision.image must not be negative, not -1.0…",
    ),
    Mistake(
        "actions that are held for no step", f"{WORLDMODELS} --hold 0", "--hold needs numbers of at least 1, not 0"
    ),
    Mistake(
        "a population of an odd number",
        f"{WORLDMODELS} --behaviour.search.population 5",
        "behaviour.search.population must be even and at least 2, not 5…",
    ),
    Mistake(
        "an arena that is neither",
        f"{WORLDMODELS} --arena moon",
        "unknown --behaviour.arena 'moon'…",
    ),
    Mistake(
        "dreams that are infinitely hot",
        f"{WORLDMODELS} --behaviour.temperature inf",
        "behaviour.temperature must be positive, not inf…",
    ),
    Mistake(
        "an update to measure where none is of both",
        "bench worldmodels --env gym:Pendulum-v1",
        "worldmodels: world and behaviour learn in stages of their own, and bench measures an update of both; "
        "`reverie train PRESET --dry-run` measures one of each stage",
    ),
]
