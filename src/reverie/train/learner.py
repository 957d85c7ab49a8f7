"""One update: the world from its groups of losses, then the behaviour."""

from collections.abc import Sequence

import torch

from reverie.agents.agent import Agent
from reverie.agents.program import Group, Program, Stage
from reverie.errors import UserError
from reverie.nets.optimiser import Optimiser
from reverie.ops import tree
from reverie.train.graphs import Graphs
from reverie.types import Batch, Experience, Fitness, Losses, Metrics, State, total
from reverie.world.diagnose import diagnose
from reverie.world.objective import Objective


class Learner:
    """Holds what learning needs beside the agent: the world's optimisers and the generator that draws.

    Attributes:
        updates: updates made so far.
    """

    def __init__(
        self,
        agent: Agent,
        program: Program,
        generator: torch.Generator,
        precision: str,
        fitness: Fitness | None = None,
        graphs: bool = False,
        burn_in: int = 0,
    ) -> None:
        """fitness: for stages whose behaviour is tried out in the environment. graphs: replay updates as CUDA graphs.
        burn_in: the first steps of each chunk from which nothing is learned but the state that the others follow.

        Raises:
            UserError: for two different groups, or two optimisers, of one name, or graphs on a device that has none.
        """
        self.agent = agent
        self.generator = generator
        self._fitness = fitness
        self.updates = 0
        self._half, self._burn_in = precision == "bfloat16", burn_in
        groups: dict[str, Group] = {}
        for group in (group for stage in program for group in stage.groups):
            if groups.setdefault(group.name, group) != group:
                raise UserError(f"the program has two different groups of the name '{group.name}'")
        self.optimisers = {name: self._optimiser(group) for name, group in groups.items()}
        twice = self.optimisers.keys() & agent.behaviour.optimisers.keys()
        if twice:
            raise UserError(f"the program and the behaviour both have an optimiser of the name '{min(twice)}'")
        self._graphs = self._record() if graphs else None

    def update(self, stage: Stage, batch: Batch, *, diagnosed: bool = False) -> Metrics:
        """Learn once from a batch, as the stage says.

        Args:
            stage: which groups learn, and whether the behaviour does.
            batch: on the agent's device.
            diagnosed: also measure what costs extra: KL, reward error, the latents' entropies.

        Returns:
            Metrics that hold until the next update.
        """
        if self._graphs is not None and not diagnosed:
            metrics = self._graphs(stage, batch)
        else:
            metrics = self._learn(stage, batch, diagnosed=diagnosed)
        self.updates += 1
        return metrics

    def _learn(self, stage: Stage, batch: Batch, *, diagnosed: bool = False) -> Metrics:
        agent = self.agent
        with self._precision():
            batch, state = self._burned_in(stage, batch)
            experience, losses, metrics = self._losses(stage, batch, state)
            if diagnosed and experience is not None:
                metrics |= diagnose(agent.world, batch, experience.trace, self._objective(stage).foretold(batch.first))
        if stage.groups:
            metrics |= self._descend(stage.groups, losses)
            self._objective(stage).follow(agent.world)
        if stage.behave:
            assert experience is not None, stage.objective  # a program's mistake
            cut = _cut(experience)._replace(fitness=self._fitness if stage.arena == "real" else None)
            with self._precision():
                metrics |= agent.behaviour.learn(agent.world, cut, self.generator)
        return metrics

    def _record(self) -> Graphs:
        graphs = Graphs(self._learn, self.generator)
        for optimiser in (*self.optimisers.values(), *self.agent.behaviour.optimisers.values()):
            optimiser.make_capturable()
        return graphs

    def _burned_in(self, stage: Stage, batch: Batch) -> tuple[Batch, State]:
        """What is learned from, and the state that it follows: the empty one, or the one after the steps before."""
        world = self.agent.world
        if not self._burn_in or stage.draw != "chunks":
            with torch.set_grad_enabled(bool(stage.groups)):  # a backbone may learn where it begins
                return batch, world.initial(len(batch.first))
        with torch.no_grad():
            trace = world.observe(batch.at(slice(self._burn_in)), world.initial(len(batch.first)), self.generator)
        return batch.at(slice(self._burn_in, None)), trace.last()

    def _losses(self, stage: Stage, batch: Batch, state: State) -> tuple[Experience | None, Losses, Metrics]:
        # A stage in which only the behaviour learns needs no graph of the world.
        with torch.set_grad_enabled(bool(stage.groups)):
            world = self.agent.world
            experience, losses = self._objective(stage)(world, batch, state, self.generator)
            if not stage.behave or experience is None:
                return experience, losses, {}
            more, metrics = self.agent.behaviour.loss(world, experience, self.generator)
            return experience, losses | more, metrics

    def _descend(self, groups: Sequence[Group], losses: Losses) -> Metrics:
        """All gradients first, then all steps: no weight moves while a graph still needs it."""
        metrics: Metrics = {f"loss/{name}": loss.value.detach().mean() for name, loss in losses.items()}
        for number, group in enumerate(groups, 1):
            mine = {name: loss for name, loss in losses.items() if group.takes(name)}
            if not mine:
                raise UserError(f"group '{group.name}' learns from {group.losses}, but the losses are {list(losses)}")
            loss = total(mine)
            self.optimisers[group.name].differentiate(loss, retain_graph=number < len(groups))
            metrics[f"loss/{group.name}"] = loss.detach()
        for group in groups:
            metrics[f"grad/{group.name}"] = self.optimisers[group.name].descend()
        return metrics

    def _optimiser(self, group: Group) -> Optimiser:
        module = self.agent.get_submodule
        scales = {module(name): scale for name, scale in group.lr_scales}
        return Optimiser(group.optimiser, [module(name) for name in group.modules], scales)

    def _objective(self, stage: Stage) -> Objective:
        return self.agent.get_submodule(stage.objective)  # type: ignore[return-value]

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.generator.device.type, torch.bfloat16, enabled=self._half)


def _cut(experience: Experience) -> Experience:
    """The experience without its graph; the history is cut where dreams start from it."""
    trace = experience.trace
    deter, stoch, posterior, prior = tree.detach((trace.deter, trace.stoch, trace.posterior, trace.prior))
    dreamed = None if experience.dreamed is None else experience.dreamed.detach()
    trace = trace._replace(deter=deter, stoch=stoch, posterior=posterior, prior=prior)
    return Experience(experience.batch, trace, dreamed)
