"""Videos of a run: what its agent does, what its world dreams, and both at once, several episodes in a grid."""

import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from gymnasium import spaces

from reverie.agents.agent import Agent
from reverie.agents.resolve import Resolved
from reverie.envs.make import make_vector
from reverie.envs.seeds import EVALUATION, episode_seed
from reverie.errors import UserError, unknown
from reverie.play.probe import load_probe
from reverie.play.probing import shrunk
from reverie.play.views import PROBED, Pictures
from reverie.report.evaluate import Episode, Evaluator
from reverie.report.open_loop import foresee
from reverie.report.pictures import FILMED, filmed
from reverie.report.video import Clip, fitted, grid, in_colour, writer
from reverie.train.folder import load
from reverie.types import Features

Kind = Literal["real", "dreamed", "side-by-side"]
"""real: episodes, as the environment draws them; dreamed: the agent acts in its dream; side-by-side: episodes, and
beside each what the world dreams along its actions."""

CONTEXT = 5
"""Steps that a world sees before it dreams."""

STEPS = {"real": FILMED, "dreamed": 50, "side-by-side": 50}
"""Steps that are shown, at most, where nothing else is asked for."""


def film_run(
    run: str | Path,
    kind: Kind,
    path: str | Path,
    *,
    episodes: int = 4,
    steps: int | None = None,
    seed: int | None = None,
    fps: float = 15.0,
    device: str = "cpu",
) -> Path:
    """Write a video of several episodes of a run's agent, in a grid. Green borders are real or seen, orange dreamed.

    Args:
        run: the run's folder.
        kind: what is shown; a dream begins after at most 5 real steps of an episode.
        path: the file; its suffix, .gif or .mp4, chooses the format.
        episodes: how many.
        steps: of each, at most; None: 250 of real ones, 50 where something is dreamed.
        seed: of the episodes, which are those of an evaluation with that seed; None: the run's own.
        fps: steps per second.
        device: where to compute.

    Returns:
        The file.

    Raises:
        UserError: for a kind, a suffix or a number that cannot be; if the run cannot be loaded, the environment cannot
            be drawn, the world decodes no picture and has no probe, or an episode is too short to dream in.
        MissingExtra: the extra `video` is needed for .mp4, and is not installed.
    """
    if kind not in get_args(Kind):
        raise unknown("kind", kind, get_args(Kind))
    write = writer(path)
    steps = STEPS[kind] if steps is None else steps
    least = 1 if kind == "real" else 2
    for name, value, bound in (("steps", steps, least), ("episodes", episodes, 1)):
        if value < bound:
            raise UserError(f"--{name} must be at least {bound}, not {value}")
    agent, resolved = load(run, device)
    agent.eval()
    seed = resolved.config.train.seed if seed is None else seed
    seeds = [episode_seed(seed, EVALUATION + row, 0) for row in range(episodes)]
    if kind == "real":
        cells = [[_real(agent, resolved, own, steps)] for own in seeds]
    else:
        draw = _pictures(Path(run), agent, resolved)
        shown = _shown(agent, resolved, seeds, draw, steps, seed)
        cells = _dreams(agent, draw, shown, steps) if kind == "dreamed" else _pairs(agent, draw, shown)
    write(grid(cells), path, fps)
    return Path(path)


Shown = tuple[Episode, np.ndarray]
"""An episode, and pictures "T H W 3" of its first records."""


def _real(agent: Agent, resolved: Resolved, seed: int, steps: int) -> Clip:
    _, pictures, _ = filmed(agent, resolved.config.env, seed, fitted, steps)
    return Clip(np.stack(pictures))


def _pictures(run: Path, agent: Agent, resolved: Resolved) -> Pictures:
    """What draws the world's dreams: its decoder, or a probe."""
    world = agent.world
    env = resolved.config.env.make()
    try:
        space = env.observation_space
    finally:
        env.close()
    assert isinstance(space, spaces.Dict), space
    size = world.dynamics.deter_size + world.dynamics.stoch_size
    draw = Pictures(world, space, load_probe(run, size, agent.device))
    if not draw.keys:
        cure = f"learn to draw what it knows: reverie probe {shlex.quote(str(run))}"
        raise UserError(f"the world of {run} decodes no picture; {cure}")
    return draw


def _shown(
    agent: Agent, resolved: Resolved, seeds: Sequence[int], draw: Pictures, steps: int, seed: int
) -> list[Shown]:
    """Episodes of the agent, and of their records what the world saw, or would draw by its probe."""
    env, key = resolved.config.env, draw.keys[0]
    if draw.keys == [PROBED] and draw.probe is not None:
        look = partial(shrunk, side=draw.probe.config.side)
        played = [filmed(agent, env, own, look, steps)[:2] for own in seeds]
        return [(episode, np.stack(pictures)) for episode, pictures in played]
    evaluator = Evaluator(make_vector([env.make] * len(seeds)), seed)
    try:
        return [(e, in_colour(e.observation[key][:steps])) for e in evaluator(agent)]
    finally:
        evaluator.close()


def _context(pictures: np.ndarray) -> int:
    if len(pictures) < 2:
        raise UserError("an episode of one step is too short to dream in; try another --seed")
    return min(CONTEXT, len(pictures) - 1)


@torch.inference_mode()
def _pairs(agent: Agent, draw: Pictures, shown: Sequence[Shown]) -> list[list[Clip]]:
    """Each episode, and beside it what the world dreams along its actions."""
    cells = []
    for episode, real in shown:
        context = _context(real)
        _, features = foresee(agent, [episode], context, len(real) - context)
        cells.append([Clip(real), Clip(draw(features)[0], context)])
    return cells


@torch.inference_mode()
def _dreams(agent: Agent, draw: Pictures, shown: Sequence[Shown], steps: int) -> list[list[Clip]]:
    """The agent in its dream, from the beginning of each episode; over once its end is likelier than not."""
    cells = []
    for episode, real in shown:
        context = min(_context(real), steps - 1)
        features, going = act_in_a_dream(agent, episode, context, steps - context)
        length = max(context, int((going >= 0.5).sum()))
        cells.append([Clip(draw(features)[0, :length], context)])
    return cells


@torch.inference_mode()
def act_in_a_dream(agent: Agent, episode: Episode, context: int, steps: int) -> tuple[Features, np.ndarray]:
    """See the first `context` records of an episode, then act on in the dream; policy and latents are modes throughout.

    Returns:
        Features: "1 T ..", with T = context + steps.
        The chance that the dream goes on so far, "T": 1 for what was seen, falling from there on.
    """
    world = agent.world
    generator = torch.Generator(agent.device).manual_seed(0)
    carry, states, going = agent.initial(1), [], [1.0] * context
    for t in range(context):
        seen = {key: x[t : t + 1] for key, x in episode.observation.items()}
        carry = agent.act(seen, episode.reward[t : t + 1], np.array([t == 0]), carry, "evaluate", generator)[1]
        states.append(carry.state)
    state, action, memory = carry.state, carry.action, carry.memory
    for _ in range(steps):
        state = world.imagine(action, state)
        action, memory = agent.choose(state, memory, torch.zeros(1, device=agent.device), "evaluate", generator)
        states.append(state)
        going.append(going[-1] * float(world.continue_(state.features)))
    deter, stoch = (torch.stack([getattr(s.features, name) for s in states], 1) for name in ("deter", "stoch"))
    return Features(deter, stoch), np.array(going)
