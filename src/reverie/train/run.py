"""A whole run: check, build, train, draw."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import gymnasium
import torch

from reverie.agents.cautions import cautions
from reverie.agents.program import count_frames, count_updates
from reverie.agents.resolve import Resolved
from reverie.errors import UserError
from reverie.report.log import read_metrics
from reverie.report.pictures import draw_open_loop, film
from reverie.report.plots import AXES, axis, dreamed_against_real, learning_curve
from reverie.report.progress import Progress
from reverie.report.sinks import check_sinks
from reverie.train.folder import RunFolder, default_path
from reverie.train.forecast import evaluated, plan, told
from reverie.train.interrupt import Interrupt, Stopped
from reverie.train.recorded import beside_the_data
from reverie.train.trainer import Trainer

Say = Callable[[str], None]


def folder_of(resolved: Resolved, path: str | Path | None) -> RunFolder:
    """The run's folder: as given, or runs/PRESET-TASK-sSEED."""
    config = resolved.config
    return RunFolder(Path(path) if path else default_path(resolved.preset, config.env.env, config.train.seed))


def run(
    resolved: Resolved,
    path: str | Path | None = None,
    *,
    pictures: bool = True,
    minutes: float | None = None,
    say: Say = print,
) -> RunFolder:
    """Train an agent and write everything into the run's folder.

    Args:
        resolved: from `resolve`.
        path: the folder; it must not exist, or be empty.
        pictures: draw the learning curve, a real episode and dreams at the end, if evaluations are made.
        minutes: stop after that time, with a checkpoint.
        say: where lines about the run go; the progress goes to standard output.

    Raises:
        UserError: if the folder is taken, something cannot be built, or the environment or a loss is not finite.
        Stopped: if Ctrl-C, SIGTERM or the time stopped it; a checkpoint is written, and `resume` goes on.
    """
    folder = folder_of(resolved, path)
    folder.check()
    check_sinks(resolved.config.train.wandb)
    # What cannot be built leaves no folder behind.
    trainer = Trainer(resolved, folder)
    try:
        trainer.recorded.check()
        folder.create(resolved)
        with folder.locked():
            _train(resolved, trainer, pictures, minutes, say)
    finally:
        trainer.close()
    return folder


def resume(
    path: str | Path,
    *,
    device: str = "",
    pictures: bool = True,
    minutes: float | None = None,
    say: Say = print,
) -> RunFolder:
    """Go on with a run from its last checkpoint: on a CPU, to the bit as if it had never stopped.

    Args:
        path: the run's folder.
        device: where to go on; empty for what the run was begun with.
        pictures: as for `run`.
        minutes: as for `run`.
        say: as for `run`.

    Raises:
        UserError: if there is no run, or its checkpoint cannot be resumed.
        Stopped: as for `run`.
    """
    folder = RunFolder(Path(path))
    resolved = folder.resolved()
    if device:
        config = resolved.config
        resolved = replace(resolved, config=replace(config, train=replace(config.train, device=device)))
    with folder.locked():
        trainer = Trainer(resolved, folder)
        try:
            if folder.checkpoint.exists():
                for changed in trainer.resume():
                    say(changed)
            else:
                say("the run has no checkpoint yet, so it starts from its beginning")
            _train(resolved, trainer, pictures, minutes, say)
        finally:
            trainer.close()
    return folder


def _train(resolved: Resolved, trainer: Trainer, pictures: bool, minutes: float | None, say: Say) -> None:
    folder = trainer.folder
    if trainer.finished:
        say(f"the run in {folder.path} is finished")
        if pictures and not _curve(folder).exists():  # it was stopped while it drew, or not to draw
            if trainer.evaluator is not None:
                trainer.episodes = trainer.evaluator(trainer.agent)
            _show(resolved, trainer, say)
        return
    say(headline(resolved, trainer))
    if not trainer.frames + trainer.learner.updates:
        say(str(plan(resolved, trainer)))
        for doubt in _doubts(resolved, trainer):
            say(doubt)
    try:
        with Interrupt(minutes) as stop, Progress(resolved.config.train.steps) as progress:
            trainer.run(progress, stop)
    except Stopped as stopped:
        say(f"{stopped} at {trainer.so_far}; go on with: {folder.again}")
        raise
    if told := beside_the_data(read_metrics(folder.metrics)):
        say(told)
    say(f"the run is in {folder.path}")
    if pictures:
        _show(resolved, trainer, say)


def _show(resolved: Resolved, trainer: Trainer, say: Say) -> None:
    if trainer.evaluator is None:
        say("  no pictures: without an evaluation there is no episode to draw; `reverie video RUN` plays some")
        return
    for picture in draw(resolved, trainer, say):
        say(f"  {picture}")


def _doubts(resolved: Resolved, trainer: Trainer) -> list[str]:
    space = trainer.envs.single_observation_space
    assert isinstance(space, gymnasium.spaces.Dict)
    return [f"  careful: {doubt}" for doubt in cautions(resolved, space)]


def headline(resolved: Resolved, trainer: Trainer) -> str:
    """What is about to run, and on what."""
    agent = trainer.agent
    parameters = sum(p.numel() for p in agent.parameters())
    frames, updates = count_frames(trainer.program), count_updates(trainer.program, resolved.config.env.action_repeat)
    extent = f"{frames:,} frames" if frames else f"{updates:,} updates from what is recorded"
    return (
        f"{resolved.preset} ({resolved.scale}) on {resolved.config.env.env}: {extent}, "
        f"{parameters:,} parameters, {agent.device}, {torch.get_num_threads()} threads"
    )


def forecast(resolved: Resolved, path: str | Path | None, say: Say = print) -> None:
    """Build everything, try some steps and updates, and say what a run would be; no folder is made.

    Raises:
        UserError: if something cannot be built, or the environment returns what is not finite.
    """
    folder = folder_of(resolved, path)
    check_sinks(resolved.config.train.wandb)
    trainer = Trainer(resolved, folder)
    try:
        trainer.recorded.check()
        counted = plan(resolved, trainer)
        say(headline(resolved, trainer))
        say(str(counted))
        for line in [*_doubts(resolved, trainer), *told(trainer, counted)]:
            say(line)
        say(evaluated(trainer))
        say(f"the run's folder would be {folder.path}; nothing was written (--dry-run)")
    finally:
        trainer.close()


def draw(resolved: Resolved, trainer: Trainer, say: Say) -> list[Path]:
    """The pictures of a finished run, its curve last: where that is, all are."""
    folder = trainer.folder
    metrics = read_metrics(folder.metrics)
    evaluations = [line for line in metrics if "eval/return" in line]
    written = [_curve(folder), folder.pictures / "dreamed-against-real.png"]
    dreamed, real = ([line[key] for line in evaluations] for key in ("eval/dreamed", "eval/return"))
    against = axis([metrics])
    dreamed_against_real(dreamed, real, written[1], [line[against] for line in evaluations], AXES[against])
    trainer.agent.eval()
    written += draw_open_loop(trainer.agent, trainer.episodes, folder.pictures, fps=15)
    try:
        path = folder.pictures / "episode.gif"
        film(trainer.agent, resolved.config.env, resolved.config.train.seed, path)
        written.append(path)
    except UserError as error:
        say(f"no film of a real episode: {error}")
    name = f"{resolved.preset} on {resolved.config.env.env}, seed {resolved.config.train.seed}"
    learning_curve({name: metrics}, _curve(folder), name)
    return written


def _curve(folder: RunFolder) -> Path:
    return folder.pictures / "learning-curve.png"
