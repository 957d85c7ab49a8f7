"""The world model: what the agent sees, remembers and expects."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from reverie.dynamics.dynamics import Dynamics
from reverie.representation.decoder import Decoder
from reverie.representation.encoder import Encoder
from reverie.representation.preprocess import Preprocess
from reverie.types import Batch, Features, Inputs, State, Trace
from reverie.world.heads import Head


class World(nn.Module):
    """Encoder, dynamics, decoder or none, and the heads for reward and continuation."""

    def __init__(
        self,
        preprocess: Preprocess,
        encoder: Encoder,
        dynamics: Dynamics,
        decoder: Decoder | None,
        reward: Head,
        continue_: Head,
    ) -> None:
        super().__init__()
        self.preprocess = preprocess
        self.encoder = encoder
        self.dynamics = dynamics
        self.decoder = decoder
        self.reward = reward
        self.continue_ = continue_

    def initial(self, rows: int) -> State:
        """The state before an episode, for B rows."""
        return self.dynamics.initial(rows)

    def observe(self, batch: Batch, state: State, generator: torch.Generator | None = None) -> Trace:
        """What the model makes of a chunk that follows the given state; without a generator latents are modes."""
        embed = self.encoder(self.preprocess(batch.observation))
        return self.dynamics.observe(embed, batch.inputs, batch.first, state, generator)

    def update(
        self,
        observation: Mapping[str, Tensor],
        inputs: Inputs,
        first: Tensor,
        state: State,
        generator: torch.Generator | None = None,
    ) -> State:
        """One real step: observations "B ...", what led to them, and the state before."""
        embed = self.encoder(self.preprocess(observation))
        return self.dynamics.update(embed, inputs, first, state, generator)

    def imagine(
        self, action: Tensor, state: State, generator: torch.Generator | None = None, temperature: float = 1.0
    ) -> State:
        """One dreamed step after an action "B A"."""
        reward = self.reward(state.features) if self.dynamics.entry.reads_reward else None
        return self.dynamics.imagine(Inputs(action, reward), state, generator, temperature)

    def decode(self, features: Features) -> dict[str, Tensor]:
        """The observations that features stand for, in their own units, images in [0, 1]; empty without a decoder."""
        return {} if self.decoder is None else self.preprocess.restore(self.decoder(features))
