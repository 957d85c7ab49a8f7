"""What is allowed, and still likely to be a mistake: said before a run, which goes on all the same."""

import gymnasium

from reverie.agents.build import shapes_of
from reverie.agents.presets import PRESETS
from reverie.agents.resolve import Resolved
from reverie.representation.encoder import image_keys

COLLECTING = ("prefill", "pretrain", "train_every", "eval_every")
"""Options of a loop that collects, learns and evaluates in turn; stages have their own."""


def cautions(resolved: Resolved, space: gymnasium.spaces.Dict) -> list[str]:
    """A line for each doubt about a configuration, given the observations of one environment."""
    return [*_idle(resolved), *_one_by_one(resolved), *_motionless(resolved, space)]


def _idle(resolved: Resolved) -> list[str]:
    """What was chosen, and is asked by nobody."""
    if not resolved.parts.chosen("objective").staged or resolved.offline is not None:
        return []
    own = PRESETS[resolved.preset].config(resolved.config.env, resolved.scale).train
    chosen = [name for name in COLLECTING if getattr(resolved.config.train, name) != getattr(own, name)]
    return [
        f"--{name.replace('_', '-')} does nothing in {resolved.preset}, which learns in stages of its own: see "
        "--steps, --objective.vision.updates, --objective.memory.updates and --objective.control.*"
        for name in chosen
    ]


def _one_by_one(resolved: Resolved) -> list[str]:
    """A population that waits for its turn in the environment."""
    real = any(stage.arena == "real" for stage in resolved.program())
    if not real or resolved.config.env.num_envs > 1:
        return []
    return [
        "--arena real plays one episode after the other: --num-envs 8 would play so many at once, and --vector async "
        "on as many cores"
    ]


def _motionless(resolved: Resolved, space: gymnasium.spaces.Dict) -> list[str]:
    """Who sees one image at a time, and remembers none."""
    config = resolved.config
    if config.env.frame_stack > 1 or not image_keys(shapes_of(space)):
        return []
    lines = []
    actor = getattr(config.behaviour, "actor", None)
    if actor is not None and actor.reads == "z" and not resolved.parts.chosen("posterior").walks:
        lines.append(
            "the actor reads z alone, which comes from one image at a time and shows no motion: "
            "--frame-stack 4 would, or --behaviour.actor.reads hz"
        )
    if not resolved.parts.chosen("backbone").remembers:
        lines.append(
            f"--backbone {resolved.parts.backbone} has no memory, and one image shows no motion: --frame-stack 4 would"
        )
    return lines
