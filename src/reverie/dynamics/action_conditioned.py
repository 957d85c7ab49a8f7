"""Worlds that are conditioned on actions (Ma et al. 2024): from an anchor on, the backbone sees actions alone.

    distance    0              1                        2              3
    enter                      z_s, r_s, a_s            a_{s+1}        a_{s+2}
    backbone                   h_{s+1}                  h_{s+2}        h_{s+3} = f(z_s, a_s, a_{s+1}, a_{s+2})
    latent      z_s (anchor)   z_{s+1}, the mode of p(. | h_{s+1}) ...

No latent after the anchor enters. So the gradient of what is dreamed reaches an action through the backbone's own path
alone, which is as short or as well-behaved as the backbone makes it, and never in a circle through dreamed states.

Every state that was really reached is an anchor. A chunk has one in the state that it follows, or at its first latent
where nothing is known before it; one at the first latent of each episode in it; and a new one `reach` steps after each.
"""

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reverie.dynamics.backbone import Backbone
from reverie.dynamics.dynamics import ConcatEntry, Dynamics, DynamicsConfig, Entry
from reverie.latent.latent import Latent
from reverie.ops import tree
from reverie.types import History, Inputs, State


class Anchored(NamedTuple):
    """The memory: the backbone's own, and age "B", how often something entered since nothing was known.

    age 0: nothing is known; what enters next is no anchor, and is not kept. age 1: the state is an anchor; its latent
    enters next. age n: the state was dreamed n - 1 steps after its anchor.
    """

    inner: Any
    age: Tensor


class Anchors(NamedTuple):
    """The history of real experience: an anchor everywhere. Nothing is stored, because an anchor needs its z alone."""

    backbone: Backbone[Any]
    ages: Tensor

    def last(self) -> Anchored:
        """The memory of an anchor, for B rows."""
        return self._fresh(len(self.ages))

    def at(self, rows: Tensor, steps: Tensor) -> Anchored:
        """The memory of an anchor, "N" times."""
        return self._fresh(len(rows))

    def _fresh(self, rows: int) -> Anchored:
        return Anchored(self.backbone.initial(rows), self.ages.new_ones(rows))


class ActionConditioned(Dynamics):
    """h_t = f(z_s, a_s, .., a_{t-1}), with s the last anchor before t (Ma et al. 2024, Actions World Model).

    `observe` computes for a chunk what dreams from its anchors compute. `update` gives an anchor, so that acting has h
    one step from the state before, and what is dreamed from any real state is anchored there.

    Rewards are treated as latents are: that of the anchor enters with it, where rewards are read at all.

    Deviations: the paper anchors at the first state of an episode and trains to its end. Here chunks are drawn from
    anywhere, and no distance beyond `reach` occurs, neither in training nor in dreams. The paper's state is the
    observation itself; here it is z ~ q(z | e).
    """

    def __init__(
        self,
        config: DynamicsConfig,
        entry: Entry | ConcatEntry,
        backbone: nn.Module,
        latent: Latent,
        posterior: nn.Module,
    ) -> None:
        super().__init__(config, entry, backbone, latent, posterior)
        self._reach = config.reach

    def initial(self, rows: int) -> State:
        """The state before an episode: no anchor yet, h = 0 and z = 0."""
        state = super().initial(rows)
        return state._replace(memory=Anchored(state.memory, torch.zeros_like(state.reward)))

    def update(
        self,
        embed: Float[Tensor, "B E"],
        inputs: Inputs,
        first: Float[Tensor, "B"],
        state: State,
        generator: torch.Generator | None = None,
    ) -> State:
        """One real step: h_t as the state before foresees it, then z_t ~ q, which is an anchor."""
        entering, age = self._enter(state)
        state = super().update(embed, inputs, first, entering, generator)
        return state._replace(memory=Anchors(self.backbone, age).last())

    def imagine(
        self,
        action: Float[Tensor, "B A"],
        state: State,
        generator: torch.Generator | None = None,
        temperature: float = 1.0,
    ) -> State:
        """One dreamed step: h_{t+1} from a_t, and from z_t where that is an anchor; then the mode of p.

        Nothing is drawn, whatever the generator, as in the paper: what is not remembered would be drawn anew at each
        step, and the states of a dream would be those of as many worlds.
        """
        entering, age = self._enter(state)
        state = super().imagine(action, entering, None, temperature)
        return state._replace(memory=Anchored(state.memory, age + 1))

    def select(self, state: State, rows: Tensor) -> State:
        """Rows of a state; repeats are allowed."""
        inner = super().select(state._replace(memory=state.memory.inner), rows)
        return inner._replace(memory=Anchored(inner.memory, state.memory.age[rows]))

    def shares(self, inputs: Inputs, first: Float[Tensor, "B T"], state: State) -> Float[Tensor, "B T S"]:
        """The entry's share of a_{t-1}, and of an anchor's reward."""
        before = torch.cat([state.reward.unsqueeze(1), inputs.reward[:, :-1]], 1)
        known = self._ages(first, state.memory.age) == 1
        return self.entry.share(tree.forget(inputs.action, first), tree.forget(before, ~known))

    def scan(
        self, before: Float[Tensor, "B T Z"], share: Float[Tensor, "B T S"], first: Float[Tensor, "B T"], state: State
    ) -> tuple[Float[Tensor, "B T D"], History]:
        """h_1..T of a chunk, each from the anchor before it: one scan of the backbone, which forgets at each anchor."""
        ages = self._ages(first, state.memory.age)
        u = self.entry(tree.forget(before, ages != 1), share)
        h, _ = self.backbone.scan(u, (ages <= 1).to(first.dtype), state.memory.inner)
        return h, Anchors(self.backbone, ages)

    def _enter(self, state: State) -> tuple[State, Tensor]:
        """What of a state enters the backbone: a memory, and the latent and the reward of an anchor; and its age."""
        age = self._within(state.memory.age)
        hidden = age != 1
        inner = self.backbone.forget(state.memory.inner, (age <= 1).to(age.dtype))
        z, reward = tree.forget((state.stoch, state.reward), hidden)
        return State(inner, state.deter, z, reward), age

    def _ages(self, first: Float[Tensor, "B T"], age: Float[Tensor, "B"]) -> Float[Tensor, "B T"]:
        """The age of the state before each step of a chunk: 0 where an episode begins, 1 where z_{t-1} enters."""
        steps = torch.arange(first.shape[1], device=first.device, dtype=age.dtype).expand_as(first)
        # the last step at which nothing was known; for the state that the chunk follows, age steps before it
        began = torch.where(first.bool(), steps, -age.unsqueeze(1)).cummax(1).values
        return self._within(steps - began)

    def _within(self, age: Tensor) -> Tensor:
        """A state that is `reach` steps from its anchor is one itself: 0, then 1 .. reach again and again."""
        return torch.where(age > 0, (age - 1) % self._reach + 1, age)


CONDITIONS: dict[str, type[Dynamics]] = {"history": Dynamics, "action": ActionConditioned}
"""What h is conditioned on: all that came before, or an anchor and the actions since."""
