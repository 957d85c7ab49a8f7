"""One update: the world from its groups of losses, then the behaviour."""

import fnmatch
from collections.abc import Sequence
from dataclasses import replace

import torch

from reverie.agents.agent import Agent
from reverie.agents.program import Group, Program, Stage
from reverie.nets.optimiser import Optimiser
from reverie.ops import tree
from reverie.types import Batch, Experience, Losses, Metrics, Trace, total
from reverie.world.diagnose import diagnose
from reverie.world.objective import Objective


class Learner:
    """Holds what learning needs beside the agent: the world's optimisers and the generator that draws.

    Attributes:
        updates: updates made so far.
    """

    def __init__(
        self, agent: Agent, objective: Objective, program: Program, generator: torch.Generator, precision: str
    ) -> None:
        self.agent = agent
        self.objective = objective
        self.generator = generator
        self.updates = 0
        self._half = precision == "bfloat16"
        groups = {group.name: group for stage in program for group in stage.groups}
        self.optimisers = {
            name: Optimiser(
                replace(group.optimiser, lr=group.optimiser.lr * group.lr_scale),
                [agent.get_submodule(module) for module in group.modules],
            )
            for name, group in groups.items()
        }

    def update(self, stage: Stage, batch: Batch, *, diagnosed: bool = False) -> Metrics:
        """Learn once from a batch, as the stage says.

        Args:
            stage: which groups learn, and whether the behaviour does.
            batch: on the agent's device.
            diagnosed: also measure what costs extra: KL, reward error, the posterior's entropy.
        """
        agent, device = self.agent, self.generator.device
        metrics: Metrics = {}
        with torch.autocast(device.type, torch.bfloat16, enabled=self._half):
            state = agent.world.initial(len(batch.first))
            trace, losses = self.objective(agent.world, batch, state, self.generator)
            extra, dream = agent.behaviour.loss(agent.world, Experience(batch, trace))
            losses |= extra
            if diagnosed:
                metrics |= diagnose(agent.world, batch, trace)
        metrics |= self._descend(stage.groups, losses)
        if stage.behave:
            with torch.autocast(device.type, torch.bfloat16, enabled=self._half):
                metrics |= agent.behaviour.learn(agent.world, Experience(batch, _cut(trace)), dream, self.generator)
        self.updates += 1
        return metrics

    def _descend(self, groups: Sequence[Group], losses: Losses) -> Metrics:
        metrics: Metrics = {f"loss/{name}": loss.value.detach().mean() for name, loss in losses.items()}
        for number, group in enumerate(groups, 1):
            mine = {n: loss for n, loss in losses.items() if any(fnmatch.fnmatch(n, p) for p in group.losses)}
            loss = total(mine)
            metrics[f"grad/{group.name}"] = self.optimisers[group.name].step(loss, retain_graph=number < len(groups))
            metrics[f"loss/{group.name}"] = loss.detach()
        return metrics


def _cut(trace: Trace) -> Trace:
    """The trace without its graph; the history is cut where dreams start from it."""
    deter, stoch, posterior, prior = tree.detach((trace.deter, trace.stoch, trace.posterior, trace.prior))
    return Trace(deter, stoch, posterior, prior, trace.history)
