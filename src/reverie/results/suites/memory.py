"""Suites of worlds with transformers and state spaces."""

from reverie.results.suites.suite import CARTPOLE, SWINGUP, Suite, seeds

NARROW = "--preprocess.vectors symlog --behaviour.entropy 3e-4 --behaviour.entropy-floor 0"
"""A policy over numbers may become as sure as it needs to be to balance a pole, and slow poles are told apart however
fast they spin at other times."""
REMEMBERS = "--behaviour.actor.reads hz --behaviour.critic.reads hz"
"""An agent that knows the past as well as what it sees."""

MEMORY: dict[str, Suite] = {
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
        about="`twm` on cartpole-swingup from state, action repeat 4, 60,000 frames; `twm-hz` acts on h and z",
        runs=seeds("twm", f"twm {SWINGUP} --action-repeat 4 --steps 60000 {NARROW}", range(3))
        | seeds("twm-hz", f"twm {SWINGUP} --action-repeat 4 --steps 60000 {NARROW} {REMEMBERS}", range(3)),
        solved=750.0,
    ),
    "cartpole-twm": Suite(
        about="`twm` on CartPole-v1, discrete actions",
        runs=seeds("twm", f"twm {CARTPOLE} --steps 16000", range(3)),
        solved=450.0,
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
}
