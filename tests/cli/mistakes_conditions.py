"""Mistakes in what a world is conditioned on: parts and values that cannot work with actions alone."""

from mistake import Mistake

ACTION = "train dreamer --env gym:Pendulum-v1 --dynamics.condition action"
ENCODE = f"{ACTION} --posterior encode"
READS = f"{ENCODE} --behaviour.actor.reads z --behaviour.critic.reads z"

CONDITIONS = [
    Mistake(
        "a posterior that reads the past",
        ACTION,
        "--posterior filter needs the past, which --dynamics.condition action hides; choose --posterior encode",
    ),
    Mistake(
        "a backbone without a memory",
        f"{READS} --backbone markov",
        "--backbone markov has no memory: with --dynamics.condition action it would lose its anchor after one step; "
        "choose another backbone",
    ),
    Mistake(
        "an actor that reads h",
        f"{ENCODE} --behaviour.critic.reads z",
        "--behaviour.actor.reads must be z with --dynamics.condition action, not hz: h is close to its anchor in "
        "acting, and far from it in dreams",
    ),
    Mistake(
        "a critic that reads h",
        f"{ENCODE} --behaviour.actor.reads z --behaviour.critic.reads h",
        "--behaviour.critic.reads must be z with --dynamics.condition action, not h: h is close to its anchor in "
        "acting, and far from it in dreams",
    ),
    Mistake(
        "a controller that reads h",
        f"{ENCODE} --behaviour evolution --behaviour.horizon 10",
        "--behaviour.controller.reads must be z with --dynamics.condition action, not hz: h is close to its anchor in "
        "acting, and far from it in dreams",
    ),
    Mistake(
        "dreams longer than their reach",
        f"{READS} --behaviour.horizon 16",
        "--behaviour.horizon 16 is beyond --dynamics.reach 15: with --dynamics.condition action a dream has one "
        "anchor; lower the one or raise the other",
    ),
    Mistake(
        "a reach that is never trained",
        f"{READS} --length 8",
        "--dynamics.reach 15 is never trained in chunks of 8 steps; lower it to 7, or raise --length to 16",
    ),
    Mistake(
        "a reach of nothing",
        f"{READS} --dynamics.reach 0",
        "dynamics.reach must be at least 1, not 0; all options: reverie train dreamer --help",
    ),
]
