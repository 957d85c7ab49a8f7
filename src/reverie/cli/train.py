"""`reverie train`."""

from collections.abc import Sequence
from pathlib import Path

import torch

from reverie.cli.arguments import Request, parse
from reverie.errors import UserError
from reverie.report.log import read_metrics
from reverie.report.pictures import draw_open_loop, film
from reverie.report.plots import dreamed_against_real, learning_curve
from reverie.report.progress import Progress
from reverie.train.folder import RunFolder, default_path
from reverie.train.trainer import Trainer


def train(arguments: Sequence[str]) -> None:
    """Train a preset; write everything into the run's folder."""
    request = parse(arguments)
    config = request.resolved.config
    path = (
        Path(request.run) if request.run else default_path(request.resolved.preset, config.env.env, config.train.seed)
    )
    folder = RunFolder(path)
    if request.dry_run:
        forecast(request, folder)
        return
    folder.check()
    # What cannot be built leaves no folder behind.
    trainer = Trainer(request.resolved, folder)
    try:
        folder.create(request.resolved)
        print(headline(request, trainer))
        with Progress(config.train.steps) as progress:
            trainer.run(progress)
        print(f"the run is in {path}")
        if request.pictures:
            for picture in draw(request, trainer):
                print(f"  {picture}")
    finally:
        trainer.close()


def headline(request: Request, trainer: Trainer) -> str:
    """What is about to run, and on what."""
    resolved, agent = request.resolved, trainer.agent
    parameters = sum(p.numel() for p in agent.parameters())
    return (
        f"{resolved.preset} ({resolved.scale}) on {resolved.config.env.env}: {resolved.config.train.steps:,} frames, "
        f"{parameters:,} parameters, {agent.device}, {torch.get_num_threads()} threads"
    )


def forecast(request: Request, folder: RunFolder) -> None:
    """Build everything and say what a run would be, without a step and without a folder."""
    trainer = Trainer(request.resolved, folder)
    try:
        train, repeat = request.resolved.config.train, request.resolved.config.env.action_repeat
        updates = train.pretrain + max(0, train.steps - train.prefill) // repeat // train.train_every
        print(headline(request, trainer))
        print(f"{updates:,} updates; an evaluation of {train.eval_episodes} episodes every {train.eval_every:,} frames")
        print(f"the run's folder would be {folder.path}; nothing was written (--dry-run)")
    finally:
        trainer.close()


def draw(request: Request, trainer: Trainer) -> list[Path]:
    """The pictures of a finished run."""
    folder, resolved = trainer.folder, request.resolved
    metrics = read_metrics(folder.metrics)
    evaluations = [line for line in metrics if "eval/return" in line]
    name = f"{resolved.preset} on {resolved.config.env.env}, seed {resolved.config.train.seed}"
    written = [folder.pictures / "learning-curve.png", folder.pictures / "dreamed-against-real.png"]
    learning_curve({name: metrics}, written[0], name)
    dreamed, real = ([line[key] for line in evaluations] for key in ("eval/dreamed", "eval/return"))
    dreamed_against_real(dreamed, real, written[1], [line["frames"] for line in evaluations])
    trainer.agent.eval()
    written += draw_open_loop(trainer.agent, trainer.episodes, folder.pictures, fps=15)
    try:
        path = folder.pictures / "episode.gif"
        film(trainer.agent, resolved.config.env, resolved.config.train.seed, path)
        written.append(path)
    except UserError as error:
        print(f"no film of a real episode: {error}")
    return written
