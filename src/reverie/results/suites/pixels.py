"""Suites from images, with the errors of their dreams on held-out episodes."""

from reverie.results.suites.suite import Suite, seeds

PENDULUM = (
    "--env gym:Pendulum-v1 --pixels --prefill 3000 --eval-every 1000 --eval-episodes 10 "
    "--length 32 --batch 12 --objective.dynamics 1.0"
)
BALANCE = (
    "--env dmc:cartpole-balance --pixels --action-repeat 2 --prefill 40000 --pretrain 10000 --steps 50000 "
    "--eval-every 2500 --eval-episodes 4 --train-every 1 --length 32 --batch 8 --objective.dynamics 1.0 "
    "--objective.image 0.1 --objective.representation 0.3 --objective.optimiser.until 15000"
)
INVERTED = (
    "--env gym:InvertedPendulum-v5 --pixels --prefill 2000 --steps 15000 --eval-every 1000 --eval-episodes 4 "
    "--train-every 5 --batch 12"
)

PIXELS: dict[str, Suite] = {
    "pendulum-pixels": Suite(
        about="`dreamer` on Pendulum-v1 from 64 x 64 pixels, with its open-loop errors on held-out episodes",
        runs=seeds("dreamer", f"dreamer {PENDULUM} --steps 9000", range(2)),
        solved=-400.0,
        held_out="--steps 20",
    ),
    "balance-pixels": Suite(
        about="`dreamer` on cartpole-balance from 64 x 64 pixels, action repeat 2, 50,000 frames",
        runs=seeds("dreamer", f"dreamer {BALANCE}", range(2)),
        solved=593.0,
        held_out="--steps 40 --start 0 --context 25",
    ),
    "inverted-pendulum-pixels": Suite(
        about="`dreamer` on InvertedPendulum-v5 from 64 x 64 pixels; an episode pays 1,000 at most",
        runs=seeds("dreamer", f"dreamer {INVERTED}", range(1)),
        solved=950.0,
    ),
    "tssm-pixels": Suite(
        about="`tssm` on Pendulum-v1 from 64 x 64 pixels, with its open-loop errors on held-out episodes",
        runs=seeds("tssm", f"tssm {PENDULUM} --steps 12000", range(1)),
        solved=-400.0,
        held_out="--steps 20",
    ),
}
