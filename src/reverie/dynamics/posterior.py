"""The two posteriors, and with them the two ways through a chunk.

    filter   q(z_t | h_t, e_t)   z_t needs h_t, which needs z_{t-1}: the chunk is walked.
    encode   q(z_t | e_t)        all z_1..T are drawn at once; one scan of the backbone gives all h_1..T.

Training is parallel in time because of the posterior, not because of the backbone.
"""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn

from reverie.errors import UserError
from reverie.latent.latent import draw
from reverie.nets.init import initialise
from reverie.nets.mlp import MLP, MLPConfig
from reverie.nets.norm import activation, norm
from reverie.types import Inputs, State, Trace

if TYPE_CHECKING:
    from reverie.dynamics.dynamics import Dynamics


class Posterior(Protocol):
    """How an observation's embedding becomes the parameters of q, for one step and for a chunk."""

    walks: ClassVar[bool]
    """Whether a chunk is walked, step by step; otherwise one scan of the backbone does."""

    def infer(self, h: Float[Tensor, "B D"], embed: Float[Tensor, "B E"]) -> Float[Tensor, "B P"]:
        """The parameters of q for one step."""
        ...

    def observe(
        self,
        dynamics: "Dynamics",
        embed: Float[Tensor, "B T E"],
        inputs: Inputs,
        first: Float[Tensor, "B T"],
        state: State,
        generator: torch.Generator | None,
    ) -> Trace:
        """What the model makes of a chunk that follows the given state."""
        ...


@dataclass(frozen=True, kw_only=True)
class FilterConfig:
    """A posterior that knows the past: q(z_t | h_t, e_t)."""

    mlp: MLPConfig = field(default_factory=MLPConfig)
    """the network from h and e to the parameters; at least one hidden layer"""

    def __post_init__(self) -> None:
        if self.mlp.layers < 1:
            raise UserError(f"posterior.mlp.layers must be at least 1 for a filter, not {self.mlp.layers}")


class Filter(nn.Module):
    """q(z_t | h_t, e_t), as in the RSSM (PlaNet, eq. 4)."""

    Config = FilterConfig
    walks = True
    HOT = ("_infer",)

    def __init__(self, config: FilterConfig, deter: int, embed: int, outputs: int) -> None:
        super().__init__()
        # W [h, e] = W_h h + W_e e: the embedding's share is computed once for the whole chunk.
        self.memory = nn.Linear(deter, config.mlp.units)
        self.embed = nn.Linear(embed, config.mlp.units, bias=False)
        for layer in (self.memory, self.embed):
            initialise(layer, config.mlp.init, fan_in=deter + embed)
        self.norm = norm(config.mlp.norm, config.mlp.units)
        self.activation = activation(config.mlp.activation)
        self.rest = MLP(replace(config.mlp, layers=config.mlp.layers - 1), config.mlp.units, outputs)

    def infer(self, h: Float[Tensor, "B D"], embed: Float[Tensor, "B E"]) -> Float[Tensor, "B P"]:
        """The parameters of q(z_t | h_t, e_t)."""
        return self._infer(h, self.embed(embed))

    def observe(
        self,
        dynamics: "Dynamics",
        embed: Float[Tensor, "B T E"],
        inputs: Inputs,
        first: Float[Tensor, "B T"],
        state: State,
        generator: torch.Generator | None,
    ) -> Trace:
        """A walk: h_t from z_{t-1}, then z_t ~ q(z_t | h_t, e_t). The prior is computed for all steps at the end."""
        seen = self.embed(embed).unbind(1)
        entering = dynamics.shares(inputs, first, state).unbind(1)
        deters, stochs, posteriors, memories = [], [], [], []
        for share, now, start in zip(entering, seen, first.unbind(1), strict=True):
            h, memory = dynamics.advance(share, start, state)
            parameters = self._infer(h, now)
            z = draw(dynamics.latent.posterior(parameters), generator)
            state = State(memory, h, z, state.reward)  # the rewards are in the shares already
            deters.append(h)
            stochs.append(z)
            posteriors.append(parameters)
            memories.append(memory)
        deter = torch.stack(deters, 1)
        return Trace(
            deter,
            torch.stack(stochs, 1),
            inputs.reward,
            torch.stack(posteriors, 1),
            dynamics.prior(deter),
            dynamics.backbone.collect(memories),
        )

    def _infer(self, h: Tensor, seen: Tensor) -> Tensor:
        return self.rest(self.activation(self.norm(self.memory(h) + seen)))


@dataclass(frozen=True, kw_only=True)
class EncodeConfig:
    """A posterior that knows the present alone: q(z_t | e_t)."""

    mlp: MLPConfig = field(default_factory=MLPConfig)
    """the network from e to the parameters"""


class Encode(nn.Module):
    """q(z_t | e_t), as in World Models' VAE and TransDreamer's myopic posterior."""

    Config = EncodeConfig
    walks = False

    def __init__(self, config: EncodeConfig, deter: int, embed: int, outputs: int) -> None:
        super().__init__()
        self.mlp = MLP(config.mlp, embed, outputs)

    def infer(self, h: Float[Tensor, "B D"], embed: Float[Tensor, "B E"]) -> Float[Tensor, "B P"]:
        """The parameters of q(z_t | e_t); h is not read."""
        return self.mlp(embed)

    def observe(
        self,
        dynamics: "Dynamics",
        embed: Float[Tensor, "B T E"],
        inputs: Inputs,
        first: Float[Tensor, "B T"],
        state: State,
        generator: torch.Generator | None,
    ) -> Trace:
        """All z_t ~ q(z_t | e_t) at once, and what follows from them."""
        return self.recall(dynamics, self.mlp(embed), inputs, first, state, generator)

    def recall(
        self,
        dynamics: "Dynamics",
        parameters: Float[Tensor, "B T P"],
        inputs: Inputs,
        first: Float[Tensor, "B T"],
        state: State,
        generator: torch.Generator | None,
    ) -> Trace:
        """The same from parameters of q that are known: latents are drawn, shifted by one, and scanned once."""
        stoch = draw(dynamics.latent.posterior(parameters), generator)
        before = torch.cat([state.stoch.unsqueeze(1), stoch[:, :-1]], 1)
        deter, history = dynamics.scan(before, dynamics.shares(inputs, first, state), first, state)
        return Trace(deter, stoch, inputs.reward, parameters, dynamics.prior(deter), history)
