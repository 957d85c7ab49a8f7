"""How much an actor's gradient varies from dream to dream: `python benchmarks/actor_gradient.py RUN ...`.

At a run's last checkpoint, and on one batch of its own replay, the actor's gradient is taken many times, each time from
other states and with other latents and actions. With g_1 .. g_M these gradients and m their mean:

    noise   = mean |g_i - m|^2 / |m|^2        0: one draw says it all; 1: half of a gradient's length squared is chance
    cosine  = mean of cos(g_i, g_j), i != j   how far two draws agree on the direction
    norm    = mean |g_i|

so that worlds can be compared by what their dreams teach, whatever the scale of their returns. For behaviours with an
actor that follows the dynamics' gradient.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from reverie.behaviour.pathwise import Pathwise
from reverie.errors import UserError
from reverie.report.write import write_json
from reverie.train.folder import RunFolder
from reverie.train.trainer import Trainer
from reverie.types import Experience


class Recorder:
    """Stands in for the actor's optimiser: it keeps the gradient, and nothing moves."""

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._parameters = parameters
        self.gradients: list[Tensor] = []

    def step(self, loss: Tensor) -> Tensor:
        parts = torch.autograd.grad(loss, self._parameters)
        self.gradients.append(torch.cat([part.flatten() for part in parts]).detach())
        return self.gradients[-1].norm()


class Still:
    """Stands in for every other optimiser: nothing moves."""

    def step(self, loss: Tensor) -> Tensor:
        return torch.zeros(())


def gradients(run: Path, horizons: Sequence[int], draws: int) -> dict[int, Tensor]:
    """The actor's gradients "M P" by horizon, at the run's last checkpoint."""
    folder = RunFolder(run)
    trainer = Trainer(folder.resolved(), folder)
    try:
        trainer.resume()
        behaviour = trainer.agent.behaviour
        if not isinstance(behaviour, Pathwise):
            raise UserError(f"the actor of {run} does not follow the gradient through the dynamics alone")
        train = trainer.config.train
        world, objective = trainer.agent.world.eval(), trainer.agent.objective
        generator = torch.Generator().manual_seed(0)
        batch = trainer.replay.sample(train.batch, trainer.draws["replay"])
        with torch.no_grad():
            seen, _ = objective(world, batch, world.initial(train.batch), generator)
        experience = Experience(batch, seen.trace)
        found, config = {}, behaviour._config
        for horizon in horizons:
            recorder = Recorder(list(behaviour.actor.parameters()))
            behaviour.optimisers = {name: Still() for name in behaviour.optimisers} | {"actor": recorder}
            behaviour._config = replace(config, horizon=horizon)
            for _ in range(draws):
                behaviour.learn(world, experience, generator)
            found[horizon] = torch.stack(recorder.gradients).double()
        return found
    finally:
        trainer.close()


def measure(drawn: Tensor) -> dict[str, float]:
    """Noise, cosine and norm of gradients "M P"."""
    mean, norms = drawn.mean(0), drawn.norm(dim=1)
    directions = drawn / norms.unsqueeze(-1)
    count = len(drawn)
    # sum over i != j of cos(g_i, g_j) = |sum of directions|^2 - M
    cosine = (directions.sum(0).square().sum() - count) / (count * (count - 1))
    # the unbiased estimates: the mean of M draws is itself off by a share 1 / M of one draw's variance
    variance = (drawn - mean).square().sum(1).sum() / (count - 1)
    signal = (mean.square().sum() - variance / count).clamp_min(0)
    noise = float(variance / signal) if signal > 0 else float("inf")
    return {"noise": noise, "cosine": float(cosine), "norm": float(norms.mean())}


def main() -> None:
    """Print a line for each run and horizon, and write them all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--horizons", type=int, nargs="+", default=[10, 15])
    parser.add_argument("--draws", type=int, default=32, help="M")
    parser.add_argument("--output", type=Path, help="a JSON file")
    chosen = parser.parse_args()
    rows = []
    for run in chosen.runs:
        try:
            found = gradients(run, chosen.horizons, chosen.draws)
        except UserError as error:
            parser.error(str(error))
        for horizon, drawn in found.items():
            rows.append({"run": run.name, "horizon": horizon, "draws": chosen.draws} | measure(drawn))
            print(json.dumps(rows[-1]), flush=True)
    if chosen.output:
        write_json(chosen.output, rows)


if __name__ == "__main__":
    main()
