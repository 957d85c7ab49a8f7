"""Suites of runs that act while they learn, at the pace of the task's own clock, and the same in turn."""

from reverie.results.suites.suite import Suite, seeds

PENDULUM = "daydreamer --env gym:Pendulum-v1 --rate 20 --prefill 1000 --steps 8000 --eval-every 1000"
SWINGUP = (
    "daydreamer --env dmc:cartpole-swingup --action-repeat 4 --rate 25 --prefill 5000 --steps 50000 --eval-every 5000"
)

LIVE: dict[str, Suite] = {
    "pendulum-live": Suite(
        about="`daydreamer` on Pendulum-v1 in real time, 20 steps a second: acting while it learns, and in turn",
        runs=seeds("live", PENDULUM, range(2)) | seeds("in-turn", f"{PENDULUM} --no-live", range(1)),
        solved=-200.0,
    ),
    "swingup-live": Suite(
        about="`daydreamer` on cartpole-swingup in real time, 25 steps a second of four frames each: acting while it "
        "learns, and in turn",
        runs=seeds("live", SWINGUP, range(2)) | seeds("in-turn", f"{SWINGUP} --no-live", range(1)),
        solved=700.0,
    ),
}
