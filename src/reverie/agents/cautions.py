"""What is allowed, and still likely to be a mistake: said before a run, which goes on all the same."""

from dataclasses import fields, is_dataclass
from typing import Any

import gymnasium

from reverie.agents.build import shapes_of
from reverie.agents.parts import PARTS
from reverie.agents.preset import nearest
from reverie.agents.presets import preset_named
from reverie.agents.program import updates_of_stages
from reverie.agents.resolve import Resolved
from reverie.nets.optimiser import OptimiserConfig
from reverie.representation.encoder import image_keys

COLLECTING = ("prefill", "pretrain", "train_every", "live", "eval_every", "balance")
"""Options of a loop that collects, learns and evaluates in turn; stages have their own."""


def cautions(resolved: Resolved, space: gymnasium.spaces.Dict) -> list[str]:
    """A line for each doubt about a configuration, given the observations of one environment."""
    doubts = (_idle, _one_by_one, _unpaced, _frozen, _without_values, _not_shaping)
    return [line for doubt in doubts for line in doubt(resolved)] + _motionless(resolved, space)


def _idle(resolved: Resolved) -> list[str]:
    """What was chosen, and is asked by nobody."""
    if not resolved.parts.chosen("objective").staged or resolved.offline is not None:
        return []
    own = preset_named(resolved.preset).config(resolved.config.env, resolved.scale).train
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


def _unpaced(resolved: Resolved) -> list[str]:
    """A live run whose environment outruns the learning."""
    if resolved.config.env.rate or not any(stage.live for stage in resolved.program()):
        return []
    return [
        "--live without --rate: the environment takes as many steps as there is time for, and learning may lag far "
        "behind; --rate 20 gives it 20 a second, an environment that takes its own time needs none"
    ]


def _frozen(resolved: Resolved) -> list[str]:
    """Learning rates that are nothing before the run is over, as far as its updates are known."""
    program, lines = resolved.program(), []
    counts = updates_of_stages(program, resolved.config.env.action_repeat)
    for option, optimiser in _optimisers(resolved.config):
        own = option.startswith("--behaviour")  # it may stand in no group
        stages = [
            (stage, count)
            for stage, count in zip(program, counts, strict=True)
            if (own and stage.behave) or any(group.optimiser == optimiser for group in stage.groups)
        ]
        until, made = optimiser.until, sum(count for _, count in stages)
        if until and any(stage.live for stage, _ in stages):
            lines.append(f"{option}.until {until}: nobody knows before how many updates a live run makes")
        elif 0 < until < made:
            lines.append(f"{option}.until {until}: the rate is nothing from then on, and {made} updates are made")
    return lines


def _optimisers(config: Any, option: str = "") -> list[tuple[str, OptimiserConfig]]:
    """Every optimiser within a configuration, and the option that it is set by."""
    if isinstance(config, OptimiserConfig):
        return [(option, config)]
    if not is_dataclass(config):
        return []
    before = f"{option}." if option else "--"
    parts = [(getattr(config, part.name), before + part.name.replace("_", "-")) for part in fields(config)]
    return [found for part, name in parts for found in _optimisers(part, name)]


def _without_values(resolved: Resolved) -> list[str]:
    """Parts of a size for laptops in an agent of another."""
    if resolved.scale == "laptop":
        return []
    values, parts, config = preset_named(resolved.preset).scales[resolved.scale], resolved.parts, resolved.config
    chosen = {kind: parts.chosen(kind).Config for kind in PARTS}
    silent = [
        kind
        for kind, own in chosen.items()
        if fields(own)
        and getattr(parts, kind) != getattr(preset_named(resolved.preset).parts, kind)
        and nearest(own, values.get(kind, ())) is None
        and getattr(config, kind) == own()
    ]
    return [
        f"--scale {resolved.scale} has no values for --{kind} {getattr(parts, kind)}, which has its own, of a size for "
        f"laptops: see --{kind}.*"
        for kind in silent
    ]


def _not_shaping(resolved: Resolved) -> list[str]:
    """What a chosen behaviour would shape the world by, in a program that lets no behaviour do so."""
    own = preset_named(resolved.preset).config(resolved.config.env, resolved.scale)
    known, chosen = (
        [f"behaviour/{loss}" for wish in config.behaviour.trained for loss in wish.shaping]
        for config in (own, resolved.config)
    )
    groups = [group for stage in resolved.program() if stage.behave for group in stage.groups]
    shaping = [group for group in groups if any(module.partition(".")[0] == "world" for module in group.modules)]
    return [
        f"the loss {loss} does not shape the world in {resolved.preset}, whose world learns from its own losses alone"
        for loss in chosen
        if loss not in known and not any(group.takes(loss) for group in shaping)
    ]


def _motionless(resolved: Resolved, space: gymnasium.spaces.Dict) -> list[str]:
    """Who sees one image at a time, and remembers none."""
    config = resolved.config
    if config.env.frame_stack > 1 or not image_keys(shapes_of(space)):
        return []
    lines = []
    for name in ("actor", "controller"):
        chooses = getattr(config.behaviour, name, None)
        if chooses is not None and chooses.reads == "z" and not resolved.parts.chosen("posterior").walks:
            lines.append(
                f"the {name} reads z alone, which comes from one image at a time and shows no motion: "
                f"--frame-stack 4 would, or --behaviour.{name}.reads hz"
            )
    if not resolved.parts.chosen("backbone").remembers:
        lines.append(
            f"--backbone {resolved.parts.backbone} has no memory, and one image shows no motion: --frame-stack 4 would"
        )
    return lines
