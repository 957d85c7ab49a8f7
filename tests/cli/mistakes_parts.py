"""Mistakes in the choice of an objective, of what it works with, and of a search without a gradient."""

from mistake import Mistake

DREAMER = "train dreamer --env gym:Pendulum-v1"
WORLDMODELS = "train worldmodels --env gym:Pendulum-v1"

STAGES = [
    Mistake(
        "an objective in stages for a preset that has none",
        f"{DREAMER} --objective vision-memory --posterior encode",
        "--objective vision-memory learns in stages of its own, unlike dreamer: choose --objective filtering or "
        "--objective two-models or --objective consistency",
    ),
    Mistake(
        "one that learns all at once for a preset of stages",
        f"{WORLDMODELS} --objective filtering --latent gaussian",
        "--objective filtering learns all at once, unlike worldmodels: choose --objective vision-memory",
    ),
    Mistake(
        "a mixture where a mismatch must not be negative",
        f"{DREAMER} --latent mixture",
        "--objective filtering needs a mismatch that is never below zero, and --latent mixture has none in closed "
        "form: add --latent gaussian or --latent categorical or --latent fsq",
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

PLANNERS = [
    Mistake(
        "nothing that acts",
        f"{DREAMER} --behaviour none",
        "--behaviour none and --planner none leave nothing that acts: add --planner cem or --planner mppi",
    ),
    Mistake(
        "a plan of choices",
        "train planet --env gym:CartPole-v1 --dry-run",
        "--planner cem looks among continuous actions, and these are choices of (2,); choose --planner none, with a "
        "behaviour that learns, such as --behaviour actor-critic",
    ),
    Mistake(
        "more elites than candidates",
        "train planet --env gym:Pendulum-v1 --planner.elites 200",
        "planner.elites must be in [2, planner.candidates = 128], not 200…",
    ),
    Mistake(
        "a planner in the place of controllers",
        f"{DREAMER} --behaviour evolution --arena real --planner cem",
        "--arena real tries controllers out, and --planner cem would act in their place; leave --planner none, or "
        "--arena dream",
    ),
    Mistake(
        "a consistency of latents that are drawn",
        f"{DREAMER} --objective consistency --posterior encode",
        "--objective consistency matches latents by their distance, and --latent gaussian draws them: add --latent "
        "simnorm or --latent fsq or --latent deterministic",
    ),
    Mistake(
        "a decoder that learns by itself and is not there",
        "train twm --env gym:Pendulum-v1 --objective consistency --latent simnorm",
        "--objective consistency decodes nothing, and twm has its decoder learn by itself: choose --objective "
        "two-models or --objective filtering",
    ),
    Mistake(
        "CUDA's graphs on a CPU",
        f"{DREAMER} --device cpu --graphs --dry-run",
        "--graphs needs a CUDA device, not 'cpu'; leave it out, or try --device cuda",
    ),
]


OWN = [
    Mistake(
        "a part of your own that is not there",
        f"{DREAMER} --backbone py:mine:Leeky",
        "unknown class of 'mine' 'Leeky'; did you mean 'Leaky'?",
        lambda at: at.module("class Leaky: ..."),
    ),
    Mistake(
        "one without its class",
        f"{DREAMER} --latent py:mine",
        "'py:mine' should read py:package.module:Class",
    ),
    Mistake(
        "one without options",
        f"{DREAMER} --backbone py:mine:Leaky",
        "--backbone py:mine:Leaky lacks Config, a frozen dataclass of its options, each with a default, or of none",
        lambda at: at.module("class Leaky: ..."),
    ),
    Mistake(
        "one whose options could be changed",
        f"{DREAMER} --backbone py:mine:Leaky",
        "--backbone py:mine:Leaky lacks Config, a frozen dataclass of its options, each with a default, or of none",
        lambda at: at.module(
            "from dataclasses import dataclass\n"
            "class Leaky:\n    @dataclass\n    class Config:\n        units: int = 3\n"
        ),
    ),
    Mistake(
        "one that is no class",
        f"{DREAMER} --backbone py:mine:leaky",
        "unknown class of 'mine' 'leaky'; did you mean 'Leaky'?",
        lambda at: at.module("class Leaky: ...\n\nleaky = Leaky()"),
    ),
    Mistake(
        "one that cannot do what its kind does",
        f"{DREAMER} --planner py:mine:Lazy",
        "--planner py:mine:Lazy lacks act, initial, which every planner has: see reverie.behaviour.planner.Planner",
        lambda at: at.module(
            "from reverie.behaviour.planner import UnplannedConfig\n"
            "class Lazy:\n    Config = UnplannedConfig\n    plans = True\n"
        ),
    ),
    Mistake(
        "a behaviour that does not say what of it is trained",
        f"{DREAMER} --behaviour py:mine:Still",
        "--behaviour py:mine:Still lacks Config.trained, which every behaviour has: "
        "see reverie.behaviour.behaviour.Behaviour",
        lambda at: at.module(
            "from reverie.behaviour.planner import UnplannedConfig\nfrom reverie.behaviour.resting import Resting\n"
            "class Still(Resting):\n    Config = UnplannedConfig\n"
        ),
    ),
    Mistake(
        "a preset of your own that is not there",
        "train py:mine:MIN --env gym:Pendulum-v1",
        "unknown preset of 'mine' 'MIN'; did you mean 'MINE'?",
        lambda at: at.module("from reverie.agents.dreamer import DREAMER as MINE"),
    ),
]
"""Parts and presets of the user's."""
