"""`reverie probe`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from reverie.cli.reading import check_seed, read
from reverie.errors import UserError
from reverie.play.probe import ProbeConfig
from reverie.play.probing import dreamed_pictures, held_out_films, learned, shares
from reverie.report.progress import Progress
from reverie.report.video import open_loop_strip, write_gif
from reverie.report.write import write_json
from reverie.train.folder import load

CONTEXT = 5
FPS = 10.0


@dataclass(frozen=True, kw_only=True)
class ProbeCommand(ProbeConfig):
    """Learn to draw what a run's world knows: a decoder beside it, for worlds that decode no picture."""

    run: Annotated[str, tyro.conf.Positional]
    """the run's folder; the probe is written into it, and in the place of an earlier one"""
    episodes: int = 40
    """episodes to learn from, half of random actions and half of the agent's own"""
    share: float = 0.25
    """share of their steps that are drawn"""
    held_out: int = 10
    """other episodes of random actions on which the dreams are compared with what happened"""
    steps: int = 50
    """dreamed steps of these, at most"""
    seed: int = 0
    """of the episodes, and of all that is drawn"""
    device: str = "cpu"
    """where to compute"""


def probe(arguments: Sequence[str]) -> None:
    """Fit the probe, measure its dreams on held-out episodes, and draw some of them."""
    chosen = read(ProbeCommand, arguments, "reverie probe")
    check_seed(chosen.seed)
    for name, least in (("episodes", 2), ("held_out", 1), ("steps", 1)):
        if getattr(chosen, name) < least:
            raise UserError(f"--{name.replace('_', '-')} must be at least {least}, not {getattr(chosen, name)}")
    if not 0 < chosen.share <= 1:
        raise UserError(f"--share must be in (0, 1], not {chosen.share}")
    agent, resolved = load(chosen.run, chosen.device)
    env, run = resolved.config.env, Path(chosen.run)
    config = ProbeConfig(**{name: getattr(chosen, name) for name in ProbeConfig.__dataclass_fields__})
    held = held_out_films(agent, env, chosen.seed, chosen.held_out, config.side)
    steps = min(chosen.steps, min(len(film.pictures) for film in held) - CONTEXT)
    if steps < 1:
        raise UserError(
            f"a held-out episode is too short to dream in after {CONTEXT} steps; "
            "lower --held-out, or choose another --seed"
        )
    with Progress(config.updates) as progress:
        made, pictures = learned(
            agent,
            env,
            config,
            seed=chosen.seed,
            episodes=chosen.episodes,
            share=chosen.share,
            told=lambda done: progress.update(0, done, None, "probe", (done, config.updates)),
        )
    print(f"{pictures:,} pictures of {chosen.episodes} episodes")
    print(made.save(run))
    truth, dream = dreamed_pictures(agent, made, held, CONTEXT, steps)
    mean = np.concatenate([film.pictures for film in held]).mean(0) / 255
    errors = {name: float(error.mean()) for name, error in shares(truth, dream, mean, CONTEXT).items()}
    told = ", ".join(f"{name} {error:.5f}" for name, error in errors.items())
    guess = min(errors["repeat"], errors["mean"])
    print(f"mean squared error over {steps} dreamed steps of {len(held)} held-out episodes: {told}")
    print(f"dream / better guess {errors['dream'] / guess:.2f}" if guess else "the held-out pictures do not change")
    write_json(run / "probe.json", errors | {"steps": steps, "context": CONTEXT, "episodes": len(held)})
    write_gif(open_loop_strip(truth[:4], dream[:4], CONTEXT), run / "pictures" / "probe.gif", FPS)
    print(run / "pictures" / "probe.gif")
