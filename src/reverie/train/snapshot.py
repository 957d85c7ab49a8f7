"""All that a run is at a moment, taken from a trainer and put back, so that a resumed run goes on to the bit.

agent.NAME                  weights and buffers: targets, normalisers, scales
optimiser.NAME.INDEX.KEY    moments and step counts
generator.NAME              states of torch's generators
carry.INDEX                 what the agent carries from step to step
measuring.NAME              records that the statistics still lack, in the midst of a stage that only collects
draws.NAME                  how often chunks were drawn from the replay, where that is counted
progress (JSON)             clocks, numpy's generators, the collector, the replay's cursors, the log's length, the
                            kind of device, which torch's generators belong to
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from reverie.errors import UserError
from reverie.nets.optimiser import Optimiser
from reverie.train import checkpoint

if TYPE_CHECKING:
    from reverie.train.trainer import Trainer

MEASURING = "measuring."
DRAWS = "draws."
CURE = "put back the config.json that the run was begun with"


def save(trainer: "Trainer", log: int) -> None:
    """Write a checkpoint of everything; log is the length of the metrics in bytes.

    Raises:
        UserError: if it cannot be written; the one before is as it was.
    """
    folder = trainer.folder
    try:
        replay = trainer.replay.save(folder.replay)
    except OSError as error:
        raise UserError(
            f"the replay in {folder.replay} cannot be written ({error.strerror}); the last checkpoint is whole: make "
            f"room, then go on with: {folder.again}"
        ) from error
    progress = {
        "frames": trainer.frames,
        "updates": trainer.learner.updates,
        "eval/returns": [episode.total for episode in trainer.episodes],
        "stage": trainer.stage,
        "began": trainer.began,
        "finished": trainer.finished,
        "seconds": trainer.watch.seconds,
        "train_seconds": trainer.watch.train_seconds,
        "log": log,
        "device": trainer.agent.device.type,
        "clocks": {name: clock.passed for name, clock in trainer.clocks.items()},
        "draws": {name: rng.bit_generator.state for name, rng in trainer.draws.items()},
        "random": trainer.random.state(),
        "collector": trainer.collector.state(),
        "replay": replay,
    }
    checkpoint.save(folder.checkpoint, _tensors(trainer), progress)
    trainer.replay.prune(folder.replay)


def restore(trainer: "Trainer") -> tuple[int, list[str]]:
    """Put the last checkpoint into a trainer that has not begun.

    Returns:
        The length of the metrics, and a line for each thing that does not go on as it was: environments whose running
        episode could not be taken up, and draws on another kind of device.

    Raises:
        UserError: if there is none, or it does not fit.
    """
    path = trainer.folder.checkpoint
    tensors, progress = checkpoint.read(path)
    checkpoint.load_agent(trainer.agent, tensors, path)
    try:
        trainer.replay.load(trainer.folder.replay, progress["replay"])
        for name, optimiser in _optimisers(trainer).items():
            _load_moments(optimiser, f"optimiser.{name}.", tensors)
        device = trainer.agent.device.type
        before = progress.get("device", device)  # checkpoints of older versions do not say
        for number, (name, generator) in enumerate(trainer.generators.items()):
            if before == device:
                generator.set_state(tensors[f"generator.{name}"])
            else:
                anew = [trainer.config.train.seed, int(progress["updates"]), number]
                generator.manual_seed(int(np.random.SeedSequence(anew).generate_state(1)[0]))
        trainer.carry = _load_carry(trainer.carry, tensors)
        trainer.measuring.resume(_named(MEASURING, tensors))
        trainer.replay.draws.resume({name: x.numpy() for name, x in _named(DRAWS, tensors).items()})
        for name, rng in trainer.draws.items():
            rng.bit_generator.state = progress["draws"][name]
        trainer.random.resume(progress.get("random", {}))  # checkpoints of older versions hold no actions
        for name, clock in trainer.clocks.items():
            clock.passed = int(progress["clocks"][name])
        trainer.watch.restart(progress["seconds"], progress["train_seconds"])
        trainer.learner.updates = int(progress["updates"])
        trainer.stage, trainer.finished = int(progress["stage"]), bool(progress["finished"])
        trainer.began = (int(progress["began"][0]), int(progress["began"][1]))
        trainer.collector.resume(progress["collector"])
        trainer.steps = trainer.collector.steps
        log = int(progress["log"])
    except (KeyError, TypeError, IndexError, ValueError, RuntimeError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            f"the checkpoint {path} cannot be resumed: {type(error).__name__} {error}; put back a copy of it"
        ) from error
    # Outside: what an environment raises is no word on the checkpoint.
    live = any(stage.live for stage in trainer.program)
    strangers = trainer.collector.rebuild(again=not live)
    moved = f"the run was on {before} and goes on on {device}: from here on it draws anew, and no longer repeats itself"
    why = "acts live, and is not made to repeat itself" if live else "did not repeat itself"
    lost = f"environment {{}} {why}; its episode is cut, and a new one begins"
    return log, [moved] * (before != device) + [lost.format(number) for number in strangers]


def _optimisers(trainer: "Trainer") -> dict[str, Optimiser]:
    return {**trainer.learner.optimisers, **trainer.agent.behaviour.optimisers}


def _tensors(trainer: "Trainer") -> dict[str, Tensor]:
    tensors = {checkpoint.AGENT + name: x for name, x in trainer.agent.state_dict().items()}
    for name, optimiser in _optimisers(trainer).items():
        for index, moments in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{name}.{index}.{key}": x for key, x in moments.items()}
    tensors |= {f"generator.{name}": generator.get_state() for name, generator in trainer.generators.items()}
    tensors |= {f"carry.{index}": x for index, x in enumerate(pytree.tree_leaves(trainer.carry))}
    tensors |= {DRAWS + name: torch.from_numpy(x) for name, x in trainer.replay.draws.state().items()}
    return tensors | {MEASURING + name: x for name, x in trainer.measuring.state().items()}


def _named(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): x for name, x in tensors.items() if name.startswith(prefix)}


def _load_moments(optimiser: Optimiser, prefix: str, tensors: dict[str, Tensor]) -> None:
    fresh = optimiser.state_dict()
    moments: dict[int, dict[str, Tensor]] = {}
    for name, x in tensors.items():
        if name.startswith(prefix):
            index, key = name.removeprefix(prefix).split(".", 1)
            moments.setdefault(int(index), {})[key] = x
    for index, own in moments.items():
        weight = optimiser.parameters[index]
        if any(x.dim() and x.shape != weight.shape for x in own.values()):
            raise UserError(f"the moments {prefix}{index} of the checkpoint do not fit their weight; {CURE}")
        # In the weight's own memory layout: a fused step walks both side by side.
        moments[index] = {key: torch.empty_like(weight).copy_(x) if x.dim() else x for key, x in own.items()}
    optimiser.load_state_dict({"state": moments, "param_groups": fresh["param_groups"]})


def _load_carry(carry: Any, tensors: dict[str, Tensor]) -> Any:
    leaves, structure = pytree.tree_flatten(carry)
    saved = [tensors[f"carry.{index}"].to(leaf.device) for index, leaf in enumerate(leaves)]
    if any(x.shape != leaf.shape for x, leaf in zip(saved, leaves, strict=True)):
        raise UserError(f"what the checkpoint carries from step to step does not fit its configuration; {CURE}")
    return pytree.tree_unflatten(saved, structure)


def check_finite(trainer: "Trainer", metrics: dict[str, float]) -> None:
    """See that no loss and no weight is broken, before anything is kept of it.

    Raises:
        UserError: that names the first metric, or the first weight, that is not finite.
    """
    broken = {name: value for name, value in metrics.items() if value != value or abs(value) == float("inf")}
    for name, x in trainer.agent.state_dict().items() if not broken else ():
        if x.is_floating_point() and not bool(torch.isfinite(x).all()):
            broken = {f"the weight {name}": float("nan")}
            break
    # A loss is the cause, and what follows from it comes after.
    for name in sorted(broken, key=lambda name: not name.startswith("loss/")):
        kept = "its last checkpoint is whole" if trainer.folder.checkpoint.exists() else "it has no checkpoint yet"
        raise UserError(
            f"{name} is {broken[name]} after {trainer.learner.updates} updates, so the run stopped; {kept}. "
            "A lower learning rate or --precision float32 may help"
        )
