"""The one composition of backbone, latent family and posterior.

    index       t-1            t                     t+1
    inputs                     a_{t-1}, r_t          a_t, r_{t+1}
    enter       (z, r)_{t-2}, a_{t-2}   (z, r)_{t-1}, a_{t-1}
    backbone                   h_t = f(z_{<t}, r_{<t}, a_{<t})
    latent      z_{t-1}        z_t ~ q(. | e_t[, h_t])  or  p(. | h_t)

Where first_t is one, z_{t-1}, r_{t-1}, a_{t-1} and the memory that enter are those of `initial`. This module and its
posteriors are the only ones that shift time.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reverie.dynamics.backbone import Backbone
from reverie.dynamics.posterior import Posterior
from reverie.errors import UserError
from reverie.latent.latent import Latent, draw
from reverie.nets.init import initialise
from reverie.nets.mlp import MLP, MLPConfig
from reverie.nets.norm import activation, norm
from reverie.ops import tree
from reverie.types import History, Inputs, State, Trace


@dataclass(frozen=True, kw_only=True)
class DynamicsConfig:
    """The small networks around the backbone."""

    entry: MLPConfig = field(default_factory=MLPConfig)
    """how (z, a) enter the backbone: one layer; its width is U, or half of U where join is concat; with stack its norm
    and its activation are not used; with concat alone its bias is asked for, and the others have one"""
    join: Literal["sum", "concat", "stack"] = "sum"
    """z and a share one layer; or each has its own, and what comes out is set side by side (DreamerV3); or z, a and r
    are three tokens, for a backbone that reads several"""
    prior: MLPConfig = field(default_factory=MLPConfig)
    """the network from h to the parameters of p(z | h)"""
    condition: Literal["history", "action"] = "history"
    """h knows all latents and actions before it, or one latent, its anchor, and the actions since (Ma et al. 2024)"""
    reach: int = 15
    """with condition action: the most steps from h back to its anchor; below the length of chunks"""

    def __post_init__(self) -> None:
        if self.reach < 1:
            raise UserError(f"dynamics.reach must be at least 1, not {self.reach}")
        if self.entry.layers != 1:
            raise UserError(f"dynamics.entry.layers must be 1, not {self.entry.layers}: z and a enter by one layer")


class Entry(nn.Module):
    """u_t = act(norm(W_z z_{t-1} + W_a a_{t-1})), one token per step.

    The inputs' share, W_a a, does not depend on the latent: a chunk's is computed at once.
    """

    reads_reward = False
    tokens = 1

    def __init__(self, config: MLPConfig, stoch: int, action: int) -> None:
        super().__init__()
        self.size = config.units
        self.stoch = nn.Linear(stoch, config.units)
        self.action = nn.Linear(action, config.units, bias=False)
        for layer in (self.stoch, self.action):
            initialise(layer, config.init, fan_in=stoch + action)
        self.norm = norm(config.norm, config.units)
        self.activation = activation(config.activation)

    def share(self, action: Float[Tensor, "*B A"], reward: Float[Tensor, "*B"]) -> Float[Tensor, "*B S"]:
        """What a_{t-1} and r_{t-1} contribute, for one step or for a chunk; this entry does not read the reward."""
        return self.action(action)

    def forward(self, stoch: Float[Tensor, "*B Z"], share: Float[Tensor, "*B S"]) -> Float[Tensor, "*B 1 U"]:
        """The token of each step, from the latent before it and the inputs' share."""
        return self.activation(self.norm(self.stoch(stoch) + share)).unsqueeze(-2)


class ConcatEntry(nn.Module):
    """u_t = [act(norm(W_z z_{t-1})), act(norm(W_a a_{t-1}))], one token per step (DreamerV3's code, RSSM._core).

    The action's half is the inputs' share: a chunk's is computed at once.
    """

    reads_reward = False
    tokens = 1

    def __init__(self, config: MLPConfig, stoch: int, action: int) -> None:
        super().__init__()
        self.stoch = MLP(config, stoch)
        self.action = MLP(config, action)
        self.size = self.stoch.size + self.action.size

    def share(self, action: Float[Tensor, "*B A"], reward: Float[Tensor, "*B"]) -> Float[Tensor, "*B S"]:
        """The finished embedding of a_{t-1}, for one step or for a chunk; this entry does not read the reward."""
        return self.action(action)

    def forward(self, stoch: Float[Tensor, "*B Z"], share: Float[Tensor, "*B S"]) -> Float[Tensor, "*B 1 U"]:
        """The token of each step, from the latent before it and the inputs' share."""
        return torch.cat([self.stoch(stoch), share], -1).unsqueeze(-2)


class StackEntry(nn.Module):
    """Three tokens per step, W_z z_{t-1}, W_a a_{t-1} and W_r r_{t-1}, each with a bias (TWM: Robine et al. 2023).

    They are linear: a norm would take from a reward all but its sign, and a transformer has its own. h_t is read at the
    reward's token, which sees the other two.
    """

    reads_reward = True
    tokens = 3

    def __init__(self, config: MLPConfig, stoch: int, action: int) -> None:
        super().__init__()
        self.size = config.units
        self.stoch, self.action, self.reward = (
            initialise(nn.Linear(width, config.units), config.init) for width in (stoch, action, 1)
        )

    def share(self, action: Float[Tensor, "*B A"], reward: Float[Tensor, "*B"]) -> Float[Tensor, "*B S"]:
        """The tokens of a_{t-1} and r_{t-1}, side by side, for one step or for a chunk."""
        return torch.cat([self.action(action), self.reward(reward.unsqueeze(-1))], -1)

    def forward(self, stoch: Float[Tensor, "*B Z"], share: Float[Tensor, "*B S"]) -> Float[Tensor, "*B 3 U"]:
        """The tokens of each step, from the latent before it and the inputs' share."""
        return torch.stack([self.stoch(stoch), *share.chunk(2, -1)], -2)


AnyEntry = Entry | ConcatEntry | StackEntry

ENTRIES: dict[str, type[AnyEntry]] = {"sum": Entry, "concat": ConcatEntry, "stack": StackEntry}
"""The entry of each way to join z and a."""


class Dynamics(nn.Module):
    """A backbone, a latent family and a posterior, and the networks that join them."""

    HOT = ("advance",)

    def __init__(
        self,
        config: DynamicsConfig,
        entry: AnyEntry,
        backbone: nn.Module,
        latent: Latent,
        posterior: nn.Module,
    ) -> None:
        super().__init__()
        self.entry = entry
        self.backbone: Backbone[Any] = backbone  # type: ignore[assignment]  # a module that keeps the Protocol
        self.latent = latent
        self.posterior: Posterior = posterior  # type: ignore[assignment]
        self.prior_net = MLP(config.prior, self.backbone.size, latent.prior_size)

    @property
    def deter_size(self) -> int:
        """D."""
        return self.backbone.size

    @property
    def stoch_size(self) -> int:
        """Z."""
        return self.latent.size

    def initial(self, rows: int) -> State:
        """The state before an episode: the backbone's initial memory, h = 0 and z = 0."""
        weight = self.prior_net[0].weight
        return State(
            self.backbone.initial(rows),
            weight.new_zeros(rows, self.deter_size),  # type: ignore[operator]
            weight.new_zeros(rows, self.stoch_size),  # type: ignore[operator]
            weight.new_zeros(rows),  # type: ignore[operator]
        )

    def prior(self, h: Float[Tensor, "*B D"]) -> Float[Tensor, "*B P"]:
        """The parameters of p(z_t | h_t)."""
        return self.prior_net(h)

    def observe(
        self,
        embed: Float[Tensor, "B T E"],
        inputs: Inputs,
        first: Float[Tensor, "B T"],
        state: State,
        generator: torch.Generator | None = None,
    ) -> Trace:
        """What the model makes of a chunk of real experience that follows the given state."""
        return self.posterior.observe(self, embed, inputs, first, state, generator)

    def update(
        self,
        embed: Float[Tensor, "B E"],
        inputs: Inputs,
        first: Float[Tensor, "B"],
        state: State,
        generator: torch.Generator | None = None,
    ) -> State:
        """One real step: h_t, then z_t ~ q; without a generator z_t is the mode."""
        share = self.entry.share(tree.forget(inputs.action, first), tree.forget(state.reward, first))
        h, memory = self.advance(share, first, state)
        posterior = self.latent.posterior(self.posterior.infer(h, embed))
        return State(memory, h, draw(posterior, generator), inputs.reward)

    def imagine(
        self,
        action: Float[Tensor, "B A"],
        state: State,
        generator: torch.Generator | None = None,
        temperature: float = 1.0,
    ) -> State:
        """One dreamed step: h_{t+1} from (z_t, a_t, r_t), then z_{t+1} ~ p; without a generator z_{t+1} is the mode.

        The reward of the new state is left at zero: the one who has a reward head fills it in.
        """
        u = self.entry(state.stoch, self.entry.share(action, state.reward))
        h, memory = self.backbone.step(u, state.memory)
        z = draw(self.latent.prior(self.prior(h), temperature), generator)
        return State(memory, h, z, torch.zeros_like(state.reward))

    def start(self, trace: Trace, rows: Tensor, steps: Tensor) -> State:
        """The states after the chosen (b, t) of a chunk, "N" of each, with their graph: where dreams start."""
        memory = trace.history.at(rows, steps)
        return State(memory, trace.deter[rows, steps], trace.stoch[rows, steps], trace.reward[rows, steps])

    def select(self, state: State, rows: Tensor) -> State:
        """Rows of a state; repeats are allowed, as for a planner's candidates."""
        memory = self.backbone.select(state.memory, rows)
        return State(memory, state.deter[rows], state.stoch[rows], state.reward[rows])

    def shares(self, inputs: Inputs, first: Float[Tensor, "B T"], state: State) -> Float[Tensor, "B T S"]:
        """The entry's share of a_{t-1} and r_{t-1} for a chunk that follows the state; zero where an episode begins."""
        before = torch.cat([state.reward.unsqueeze(1), inputs.reward[:, :-1]], 1)
        return self.entry.share(tree.forget(inputs.action, first), tree.forget(before, first))

    def advance(
        self, share: Float[Tensor, "B S"], first: Float[Tensor, "B"], state: State
    ) -> tuple[Float[Tensor, "B D"], Any]:
        """h_t and the memory after it, from the state at t-1 and the entry's share."""
        u = self.entry(tree.forget(state.stoch, first), share)
        return self.backbone.step(u, self.backbone.forget(state.memory, first))

    def scan(
        self, before: Float[Tensor, "B T Z"], share: Float[Tensor, "B T S"], first: Float[Tensor, "B T"], state: State
    ) -> tuple[Float[Tensor, "B T D"], History]:
        """h_1..T of a chunk whose latents z_0..T-1 are known."""
        return self.backbone.scan(self.entry(tree.forget(before, first), share), first, state.memory)
