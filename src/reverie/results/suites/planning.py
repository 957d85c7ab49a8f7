"""Suites of agents that plan, and of worlds that decode nothing."""

from reverie.results.suites.suite import SWINGUP, WALKER, Suite, seeds

RARELY = "--eval-every 10000 --eval-episodes 5"
"""Planners evaluate slowly: an episode takes them as long as all of its searches."""
SHORTLY = f"--action-repeat 2 --train-every 2 --steps 50000 {RARELY}"
"""What worlds without a decoder are given."""

PLANNING: dict[str, Suite] = {
    "swingup-planet": Suite(
        about="`planet` on cartpole-swingup from state, action repeat 8 (the paper's), 40,000 frames",
        runs=seeds("planet", f"planet {SWINGUP} --action-repeat 8 --train-every 1 --steps 40000 {RARELY}", range(2)),
        solved=750.0,
    ),
    "swingup-planet-pixels": Suite(
        about="`planet` on cartpole-swingup from 64 x 64 pixels, action repeat 8 (the paper's), 50,000 frames",
        runs=seeds(
            "planet",
            f"planet {SWINGUP} --pixels --action-repeat 8 --train-every 1 --steps 50000 {RARELY} "
            "--length 32 --batch 12 --objective.dynamics 1.0",
            range(1),
        ),
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
}
