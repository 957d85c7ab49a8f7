"""What is allowed, and still likely to be a mistake: said before a run, which goes on all the same."""

import gymnasium

from reverie.agents.build import shapes_of
from reverie.agents.resolve import Resolved
from reverie.representation.encoder import image_keys


def cautions(resolved: Resolved, space: gymnasium.spaces.Dict) -> list[str]:
    """A line for each doubt about a configuration, given the observations of one environment."""
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
