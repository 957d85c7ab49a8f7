"""Suites of World Models, whose controllers evolve."""

from reverie.results.suites.suite import Suite, seeds

TAKE_COVER = (
    "--env vizdoom:TakeCover --action-repeat 4 --episode-limit 525 --crop 0.4 0.7 --height 32 --steps 230000 "
    "--latent.size 32 --backbone.units 256 --objective.vision.image 5 --objective.vision.updates 2500 "
    "--objective.memory.updates 4000 --objective.control.updates 40 --behaviour.horizon 525 --eval-episodes 20"
)
TAKE_COVER_ROUNDS = (
    "--env vizdoom:TakeCover --action-repeat 4 --episode-limit 525 --crop 0.4 0.7 --height 32 --steps 600000 "
    "--latent.size 32 --backbone.units 256 --objective.rounds 2 --objective.vision.image 5 "
    "--objective.vision.bright 2 --objective.vision.updates 3000 --objective.memory.updates 3500 "
    "--objective.control.updates 30 --objective.control.evaluate-every 15 --behaviour.rollouts 16 "
    "--behaviour.horizon 525 --eval-episodes 20"
)
TAKE_COVER_CHUNKS = (
    "--env vizdoom:TakeCover --action-repeat 4 --episode-limit 525 --crop 0.4 0.7 --height 32 --steps 800000 "
    "--replay-mib 1536 --batch 8 --length 160 --latent.size 32 --backbone.units 256 --continue.reads h "
    "--objective.rounds {rounds} --objective.vision.image 5 --objective.vision.bright 2 "
    "--objective.vision.updates {vision} --objective.memory.updates {memory} --objective.memory.continuation 10 "
    "--objective.control.updates {control} --objective.control.evaluate-every {every} --behaviour.rollouts 16 "
    "--behaviour.horizon 525 --behaviour.temperature 1.15 --eval-episodes 20"
)
TAKE_COVER_LONG = TAKE_COVER_CHUNKS.format(rounds=2, vision=2000, memory=2500, control=24, every=8)
TAKE_COVER_FOUR = TAKE_COVER_CHUNKS.format(rounds=4, vision=1000, memory=1250, control=12, every=6)
CAR_RACING = (
    "--env gym:CarRacing-v3 --action-repeat 4 --episode-limit 250 --crop 0 0.875 --hold 2 4 8 --latent.size 32 "
    "--backbone.units 256 --behaviour.search.sigma 0.1 --behaviour.horizon 250 --eval-episodes 16"
)
SEES_ALONE = "--behaviour.controller.reads z"
IN_REALITY = (
    "--steps 40000 --num-envs 8 --arena real --objective.vision.updates 1200 --objective.control.updates 72 "
    "--objective.control.evaluate-every 12 --behaviour.search.population 16 --behaviour.rollouts 1"
)
IN_DREAMS = (
    "--steps 120000 --objective.rounds 3 --objective.vision.updates 1200 --objective.control.updates 20 "
    "--objective.control.evaluate-every 10"
)
IN_SHORTER_DREAMS = (
    "--steps 120000 --objective.rounds 6 --objective.vision.updates 600 --objective.memory.updates 1000 "
    "--objective.control.updates 25 --objective.control.evaluate-every 25"
)

EVOLUTION: dict[str, Suite] = {
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
    "take-cover-long": Suite(
        about="the same with a memory that learns from chunks of 160 steps, not 32, and ends foretold from h alone",
        runs=seeds("worldmodels", f"worldmodels {TAKE_COVER_LONG}", range(2)),
        solved=750.0,
    ),
    "take-cover-four": Suite(
        about="the same in four shorter rounds, each of 50,000 steps, half the updates and half the generations",
        runs=seeds("worldmodels", f"worldmodels {TAKE_COVER_FOUR}", range(1)),
        solved=750.0,
    ),
    "car-racing": Suite(
        about="`worldmodels` on CarRacing-v3 from 64 x 64 pixels: V alone beside V and M, in reality and in dreams",
        runs=seeds("v-real", f"worldmodels {CAR_RACING} {IN_REALITY} {SEES_ALONE}", range(1))
        | seeds("vm-real", f"worldmodels {CAR_RACING} {IN_REALITY}", range(1))
        | seeds("vm-dream", f"worldmodels {CAR_RACING} {IN_DREAMS}", range(1))
        | seeds("vm-dream-six", f"worldmodels {CAR_RACING} {IN_SHORTER_DREAMS}", range(1)),
        solved=900.0,
    ),
}
