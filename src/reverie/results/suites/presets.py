"""Suites that give each preset its row in `reverie results --presets`, where no other suite does."""

from collections.abc import Iterable

from reverie.results.suites.suite import SWINGUP, WALKER, Suite, seeds

LIKE_SWINGUP = f"{SWINGUP} --action-repeat 4 --steps 60000"
"""As the suites of single presets on that task."""
LIKE_WALKER = f"{WALKER} --action-repeat 2 --train-every 4 --eval-every 10000"
SEARCHING = "--action-repeat 2 --train-every 2 --steps 40000 --eval-every 20000 --eval-episodes 5"
"""A search takes longer than an update: as many more updates cost it little."""
BLURRED = (
    "--latent.groups 16 --latent.classes 8 --objective.vector 4 --objective.representation 0.1 --objective.free-nats 1"
)
"""Fewer categoricals, with the weights that Gaussian latents have."""
DREAMERS = (
    *("dreamer", "dreamer-reward", "dreamerv2", "dreamerv3", "rssm-continuous", "rssm-discrete"),
    *("tssm", "transdreamer", "awm", "s4wm"),
)


def _each(presets: Iterable[str], options: str) -> dict[str, str]:
    return {name: run for preset in presets for name, run in seeds(preset, f"{preset} {options}", range(1)).items()}


EACH_PRESET: dict[str, Suite] = {
    "swingup-presets": Suite(
        about="presets of which no other suite has it on cartpole-swingup from state, action repeat 4, 60,000 frames",
        runs=_each(("dreamer-reward", "dreamerv2", "rssm-discrete"), LIKE_SWINGUP)
        | seeds("rssm-discrete-blurred", f"rssm-discrete {LIKE_SWINGUP} {BLURRED}", range(1))
        | seeds("worldmodels", f"worldmodels {SWINGUP} --action-repeat 4 --steps 60000 --objective.rounds 4", range(1)),
        solved=750.0,
    ),
    "walker-presets": Suite(
        about="presets at `laptop` on walker-walk from state, action repeat 2, 100,000 frames; the slow ones fewer",
        runs=_each(DREAMERS, f"{LIKE_WALKER} --steps 100000")
        | _each(["twm"], f"{LIKE_WALKER} --steps 30000")
        | seeds("worldmodels", f"worldmodels {WALKER} --action-repeat 2 --steps 100000 --objective.rounds 5", range(1))
        | seeds("planet", f"planet {WALKER} {SEARCHING}", range(1)),
        solved=900.0,
    ),
}
