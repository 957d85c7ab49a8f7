"""The suites, as data: each is a set of runs, and each run the options of `reverie train` that repeat it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reverie.errors import unknown

ALONE = "--device cpu --threads 1"
"""What a run of a suite is given: the same numbers on any number of cores, and minutes that can be compared."""


def complete(options: str) -> str:
    """All options of a run; `ALONE` are among them unless it names a device of its own."""
    return options if "--device" in options.split() else f"{options} {ALONE}"


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Runs that belong together.

    Attributes:
        about: what they are, for lists.
        runs: name -> options of `reverie train`, without `ALONE`. Names that differ in their `-sSEED` alone are seeds
            of one thing.
        solved: the evaluation return from which the task counts as solved, in the environment's unit; None for none.
        beside: SUITE/NAME of the recorded run that the runs are compared with at `frames`, empty for a table of ends.
        frames: environment frames at which they are compared.
        held_out: options of `python -m reverie.results.held_out`, by which each run's dreams of unseen episodes are
            measured; empty for none.
    """

    about: str
    runs: Mapping[str, str]
    solved: float | None = None
    beside: str = ""
    frames: tuple[int, ...] = ()
    held_out: str = ""


def seeds(name: str, options: str, numbers: Iterable[int]) -> dict[str, str]:
    """One run for each seed."""
    return {f"{name}-s{number}": f"{options} --seed {number}" for number in numbers}


SWINGUP, WALKER = "--env dmc:cartpole-swingup", "--env dmc:walker-walk"
RARELY = "--eval-every 10000 --eval-episodes 5"
"""Planners evaluate slowly: an episode takes them as long as all of its searches."""
SHORTLY = f"--action-repeat 2 --train-every 2 --steps 50000 {RARELY}"
"""What worlds without a decoder are given."""
PENDULUM = "--env gym:Pendulum-v1 --prefill 1000 --eval-every 1000 --eval-episodes 20"
PIXELS = (
    "--env gym:Pendulum-v1 --pixels --prefill 3000 --eval-every 1000 --eval-episodes 10 "
    "--length 32 --batch 12 --objective.dynamics 1.0"
)
BALANCE = (
    "--env dmc:cartpole-balance --pixels --action-repeat 2 --prefill 10000 --steps 50000 --eval-every 10000 "
    "--eval-episodes 4 --train-every 3 --length 32 --batch 8 --objective.dynamics 1.0"
)
INVERTED = (
    "--env gym:InvertedPendulum-v5 --pixels --prefill 2000 --steps 15000 --eval-every 1000 --eval-episodes 4 "
    "--train-every 5 --batch 12"
)
TAKE_COVER = (
    "--env vizdoom:TakeCover --action-repeat 4 --episode-limit 525 --crop 0.4 0.7 --height 32 --steps 230000 "
    "--latent.size 32 --backbone.units 256 --objective.vision.image 5 --objective.vision.updates 2500 "
    "--objective.memory.updates 4000 --objective.control.updates 40 --behaviour.horizon 525 --eval-episodes 20"
)
BOXING = (
    "dreamerv3 --scale 12m --env ale:Boxing --num-envs 4 --train-every 6 --steps 30000 --eval-every 10000 "
    "--eval-episodes 4 --device cuda --graphs"
)
TAKE_COVER_ROUNDS = (
    "--env vizdoom:TakeCover --action-repeat 4 --episode-limit 525 --crop 0.4 0.7 --height 32 --steps 600000 "
    "--latent.size 32 --backbone.units 256 --objective.rounds 2 --objective.vision.image 5 "
    "--objective.vision.bright 2 --objective.vision.updates 3000 --objective.memory.updates 3500 "
    "--objective.control.updates 30 --objective.control.evaluate-every 15 --behaviour.rollouts 16 "
    "--behaviour.horizon 525 --eval-episodes 20"
)
CAR_RACING = (
    "--env gym:CarRacing-v3 --action-repeat 4 --episode-limit 250 --crop 0 0.875 --latent.size 32 --backbone.units 256 "
    "--behaviour.horizon 250 --eval-episodes 8"
)
SEES_ALONE = "--behaviour.controller.reads z"
IN_REALITY = (
    "--steps 40000 --num-envs 8 --arena real --objective.vision.updates 1200 --objective.control.updates 30 "
    "--objective.control.evaluate-every 10 --behaviour.search.population 16 --behaviour.rollouts 2"
)
IN_DREAMS = (
    "--steps 120000 --objective.rounds 3 --objective.vision.updates 1200 --objective.control.updates 20 "
    "--objective.control.evaluate-every 10"
)
REPEAT_4 = f"dreamer {SWINGUP} --action-repeat 4 --steps 60000"
HELD_OUT = f"dreamer {SWINGUP} --action-repeat 4 --steps 30000"
SHORT = f"dreamer {SWINGUP} --action-repeat 4 --steps 25000"
NO_NORM = (
    "--backbone.norm none --encoder.mlp.norm none --decoder.mlp.norm none --dynamics.entry.norm none "
    "--dynamics.prior.norm none --posterior.mlp.norm none --reward.mlp.norm none --continue.mlp.norm none "
    "--behaviour.actor.mlp.norm none --behaviour.critic.mlp.norm none"
)
CARTPOLE = "--env gym:CartPole-v1 --prefill 1000 --train-every 4 --steps 12000 --eval-every 1000"
REPEAT_2 = "--action-repeat 2 --train-every 4 --steps 100000 --eval-every 10000"
V3 = (
    "--action-repeat 2 --train-every 5 --steps 100000 --eval-every 10000 --behaviour.starts 0 "
    "--behaviour.horizon 8 --behaviour.actor-optimiser.lr 3e-4"  # as recorded; they became the scale's own since
)
REPEAT_2_TASKS = {
    "cartpole-balance": f"{REPEAT_2} --behaviour.horizon 5",
    "cartpole-swingup": f"{REPEAT_2} --behaviour.horizon 5",
    "ball_in_cup-catch": f"{REPEAT_2} --behaviour.horizon 5",
    "walker-walk": "--scale desktop --action-repeat 2",
    "finger-spin": f"{REPEAT_2} --behaviour.horizon 5",
    "cheetah-run": "--scale desktop --action-repeat 2",
}
REPEAT_2_RUNS = {
    name: options
    for task, values in REPEAT_2_TASKS.items()
    for name, options in seeds(task, f"dreamer --env dmc:{task} {values}", range(2)).items()
}

SUITES: dict[str, Suite] = {
    "swingup-repeat4": Suite(
        about="`dreamer` on cartpole-swingup from state, action repeat 4, 60,000 frames",
        runs=seeds("dreamer", REPEAT_4, range(5)),
        solved=750.0,
    ),
    "swingup-cuda": Suite(
        about="`dreamer` on cartpole-swingup from state, action repeat 4, 30,000 frames on a GPU, `--graphs`",
        runs=seeds("dreamer", f"dreamer {SWINGUP} --action-repeat 4 --steps 30000 --device cuda --graphs", range(3)),
        solved=750.0,
    ),
    "boxing-cuda": Suite(
        about="`dreamerv3` (12m) on Atari's Boxing, 30,000 choices of 4 game frames, on a GPU, `--graphs`",
        runs=seeds("dreamerv3", BOXING, range(1)),
    ),
    "swingup-repeat4-held-out": Suite(
        about="the same to 30,000 frames with seeds not used for tuning, run once",
        runs=seeds("dreamer", HELD_OUT, range(5, 10)),
        solved=750.0,
    ),
    "swingup-repeat2": Suite(
        about="the same task with action repeat 2, 80,000 frames",
        runs=seeds("dreamer", f"dreamer {SWINGUP} --action-repeat 2 --steps 80000 --train-every 4", range(5)),
        solved=750.0,
    ),
    "dmc-repeat2": Suite(
        about="`dreamer` on six tasks of DeepMind Control from state, action repeat 2, 100,000 frames",
        runs=REPEAT_2_RUNS,
    ),
    "dmc-repeat2-horizon-12": Suite(
        about="the same with dreams of 12 steps, an update every 4 steps, seed 0",
        runs={f"{task}-s0": f"dreamer --env dmc:{task} {REPEAT_2} --seed 0" for task in REPEAT_2_TASKS},
    ),
    "dreamerv3": Suite(
        about="`dreamerv3` on cartpole-swingup from state, action repeat 2, 100,000 frames",
        runs=seeds("swingup", f"dreamerv3 {SWINGUP} {V3}", range(2)),
        solved=513.0,
    ),
    "cartpole": Suite(
        about="`dreamerv2` and `dreamerv3` on CartPole-v1, discrete actions",
        runs=seeds("dreamerv2", f"dreamerv2 {CARTPOLE}", range(3))
        | seeds("dreamerv3", f"dreamerv3 {CARTPOLE}", range(3)),
        solved=450.0,
    ),
    "pendulum": Suite(
        about="`dreamer` and `dreamer-reward` on Pendulum-v1 from state",
        runs=seeds("dreamer", f"dreamer {PENDULUM} --steps 4000", range(5))
        | seeds("dreamer-reward", f"dreamer-reward {PENDULUM} --steps 10000", range(2))
        | seeds(
            "dreamer-reward-horizon-15",
            f"dreamer-reward {PENDULUM} --steps 10000 --behaviour.horizon 15 --behaviour.starts 64",
            range(2),
        ),
        solved=-200.0,
    ),
    "pendulum-parts": Suite(
        about="the same with categorical latents, and with the *encode* posterior, by option",
        runs=seeds("categorical", f"dreamer {PENDULUM} --latent categorical --steps 6000", range(1))
        | seeds("encode", f"dreamer {PENDULUM} --posterior encode --steps 6000", range(1)),
        solved=-250.0,
    ),
    "pendulum-pixels": Suite(
        about="`dreamer` on Pendulum-v1 from 64 x 64 pixels, with its open-loop errors on held-out episodes",
        runs=seeds("dreamer", f"dreamer {PIXELS} --steps 9000", range(2)),
        solved=-400.0,
        held_out="--steps 20",
    ),
    "balance-pixels": Suite(
        about="`dreamer` on cartpole-balance from 64 x 64 pixels, action repeat 2, 50,000 frames",
        runs=seeds("dreamer", f"dreamer {BALANCE}", range(1)),
        solved=593.0,
        held_out="--steps 40",
    ),
    "inverted-pendulum-pixels": Suite(
        about="`dreamer` on InvertedPendulum-v5 from 64 x 64 pixels; an episode pays 1,000 at most",
        runs=seeds("dreamer", f"dreamer {INVERTED}", range(1)),
        solved=950.0,
    ),
    "swingup-transformers": Suite(
        about="`tssm`, `transdreamer` and `awm` on cartpole-swingup from state, action repeat 4, 60,000 frames",
        runs={
            name: options
            for preset in ("tssm", "transdreamer", "awm")
            for name, options in seeds(preset, f"{preset} {SWINGUP} --action-repeat 4 --steps 60000", range(3)).items()
        },
        solved=750.0,
    ),
    "swingup-s4wm": Suite(
        about="`s4wm` on cartpole-swingup from state, action repeat 4, 60,000 frames",
        runs=seeds("s4wm", f"s4wm {SWINGUP} --action-repeat 4 --steps 60000", range(3)),
        solved=750.0,
    ),
    "swingup-twm": Suite(
        about="`twm` on cartpole-swingup from state, action repeat 4, 60,000 frames",
        runs=seeds("twm", f"twm {SWINGUP} --action-repeat 4 --steps 60000", range(3)),
        solved=750.0,
    ),
    "cartpole-twm": Suite(
        about="`twm` on CartPole-v1, discrete actions",
        runs=seeds("twm", f"twm {CARTPOLE.replace('--steps 12000', '--steps 16000')}", range(3)),
        solved=450.0,
    ),
    "swingup-planet": Suite(
        about="`planet` on cartpole-swingup from state, action repeat 8 (the paper's), 40,000 frames",
        runs=seeds("planet", f"planet {SWINGUP} --action-repeat 8 --train-every 1 --steps 40000 {RARELY}", range(2)),
        solved=750.0,
    ),
    "swingup-tdmpc2": Suite(
        about="`tdmpc2` on cartpole-swingup from state, action repeat 2, an update every 2 steps, 50,000 frames",
        runs=seeds("tdmpc2", f"tdmpc2 {SWINGUP} {SHORTLY}", range(2)),
        solved=750.0,
    ),
    "walker-tdmpc2": Suite(
        about="`tdmpc2` on walker-walk from state, action repeat 2, an update every 2 steps, 50,000 frames",
        runs=seeds("tdmpc2", f"tdmpc2 {WALKER} {SHORTLY}", range(2)),
        solved=900.0,
    ),
    "swingup-tcrl": Suite(
        about="`tcrl` on cartpole-swingup from state, action repeat 2, an update every 2 steps, 50,000 frames",
        runs=seeds("tcrl", f"tcrl {SWINGUP} {SHORTLY}", range(2)),
        solved=750.0,
    ),
    "walker-tcrl": Suite(
        about="`tcrl` on walker-walk from state, action repeat 2, an update every 2 steps, 50,000 frames",
        runs=seeds("tcrl", f"tcrl {WALKER} {SHORTLY}", range(2)),
        solved=900.0,
    ),
    "swingup-dcwm": Suite(
        about="`dcwm` on cartpole-swingup from state, action repeat 2, an update every 2 steps, 50,000 frames",
        runs=seeds("dcwm", f"dcwm {SWINGUP} {SHORTLY}", range(2)),
        solved=750.0,
    ),
    "walker-dcwm": Suite(
        about="`dcwm` on walker-walk from state, action repeat 2, an update every 2 steps, 50,000 frames",
        runs=seeds("dcwm", f"dcwm {WALKER} {SHORTLY}", range(2)),
        solved=900.0,
    ),
    "pendulum-worldmodels": Suite(
        about="`worldmodels` on Pendulum-v1 from state; the controller evolves in dreams of 20,000 random frames alone",
        runs=seeds("worldmodels", "worldmodels --env gym:Pendulum-v1 --eval-episodes 20", range(3)),
        solved=-250.0,
    ),
    "take-cover": Suite(
        about="`worldmodels` on VizDoom's TakeCover; the controller evolves in dreams of 57,500 random steps alone",
        runs=seeds("worldmodels", f"worldmodels {TAKE_COVER}", range(1)),
        solved=750.0,
    ),
    "take-cover-rounds": Suite(
        about="the same with bright pixels that weigh more, in two rounds of 75,000 steps, one with the controller",
        runs=seeds("worldmodels", f"worldmodels {TAKE_COVER_ROUNDS}", range(1)),
        solved=750.0,
    ),
    "car-racing": Suite(
        about="`worldmodels` on CarRacing-v3 from 64 x 64 pixels: V alone beside V and M, in reality and in dreams",
        runs=seeds("v-real", f"worldmodels {CAR_RACING} {IN_REALITY} {SEES_ALONE}", range(1))
        | seeds("vm-real", f"worldmodels {CAR_RACING} {IN_REALITY}", range(1))
        | seeds("v-dream", f"worldmodels {CAR_RACING} {IN_DREAMS} {SEES_ALONE}", range(1))
        | seeds("vm-dream", f"worldmodels {CAR_RACING} {IN_DREAMS}", range(1)),
        solved=900.0,
    ),
    "tssm-rssm": Suite(
        about="`tssm` beside `rssm-continuous` with dreams of 10 and 15 steps, cartpole-swingup, action repeat 4",
        runs={
            name: options
            for preset in ("tssm", "rssm-continuous")
            for horizon in (10, 15)
            for name, options in seeds(
                f"{preset}-horizon-{horizon}",
                f"{preset} {SWINGUP} --action-repeat 4 --steps 30000 --behaviour.horizon {horizon}",
                range(3),
            ).items()
        },
        solved=750.0,
    ),
    "tssm-pixels": Suite(
        about="`tssm` on Pendulum-v1 from 64 x 64 pixels, with its open-loop errors on held-out episodes",
        runs=seeds("tssm", f"tssm {PIXELS} --steps 12000", range(1)),
        solved=-400.0,
        held_out="--steps 20",
    ),
    "awm-horizons": Suite(
        about="`awm` and `tssm` with dreams of 10, 25 and 50 steps in chunks of 52, cartpole-swingup, action repeat 4",
        runs={
            f"{preset}-horizon-{horizon}-s0": (
                f"{preset} {SWINGUP} --action-repeat 4 --steps 30000 --batch 16 --length 52 --backbone.window 52 "
                f"--behaviour.starts 32 --behaviour.actor.noise 0.3 --behaviour.horizon {horizon} --seed 0{reach}"
            )
            for preset, reach in (("tssm", ""), ("awm", " --dynamics.reach 50"))
            for horizon in (10, 25, 50)
        },
        solved=750.0,
    ),
    "ablations": Suite(
        about="`dreamer` on cartpole-swingup with one trick less, action repeat 4, 25,000 frames, seed 0",
        runs={
            "no-layer-norm": f"{SHORT} {NO_NORM}",
            "no-return-scale": f"{SHORT} --behaviour.no-return-scale",
            "starts-16": f"{SHORT} --behaviour.starts 16",
            "behaviour-lr-8e-5": f"{SHORT} --behaviour.actor-optimiser.lr 8e-5 --behaviour.critic-optimiser.lr 8e-5",
            "world-lr-6e-4": f"{SHORT} --objective.optimiser.lr 6e-4",
        },
        solved=750.0,
        beside="swingup-repeat4/dreamer-s0",
        frames=(10_000, 15_000, 20_000, 25_000),
    ),
}


def named(names: Iterable[str]) -> dict[str, Suite]:
    """The suites of these names in the order given; `all` is every one.

    Raises:
        UserError: for a name that is no suite's.
    """
    chosen: dict[str, Suite] = {}
    for name in names:
        if name != "all" and name not in SUITES:
            raise unknown("suite", name, [*SUITES, "all"])
        chosen |= SUITES if name == "all" else {name: SUITES[name]}
    return chosen
