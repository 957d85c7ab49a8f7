"""Tiny runs, and what is dreamed of them, for the tests of dreams."""

from running import run
from tiny import tiny


def made(folder, *preset, **changes):
    """The folder of a tiny run, 12 updates long."""
    return run(tiny(*preset, **{"eval_episodes": 1, **changes}), folder).folder.path


def played(env, seed, steps=30):
    """All that a seed and its actions bring, dream after dream."""
    env.action_space.seed(seed)
    brought = [env.reset(seed=seed)[0]]
    for _ in range(steps):
        step = env.step(env.action_space.sample())
        brought.append(step[:4])
        if step[2] or step[3]:
            brought.append(env.reset()[0])
    return brought
