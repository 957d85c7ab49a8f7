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
        return self.dynamics.observe(embed, self.arriving(batch.action, batch.reward), batch.first, state, generator)

    def arriving(self, action: Tensor, reward: Tensor) -> Inputs:
        """What the dynamics takes in beside the observation: a_{t-1}, and r_t in the world's own unit."""
        return Inputs(action, reward / self.preprocess.reward_unit)

    def update(
        self,
        observation: Mapping[str, Tensor],
        inputs: Inputs,
        first: Tensor,
        state: State,
        generator: torch.Generator | None = None,
    ) -> State:
        """One real step: observations "B ...", `arriving`'s inputs, and the state before."""
        embed = self.encoder(self.preprocess(observation))
        return self.dynamics.update(embed, inputs, first, state, generator)

    def imagine(
        self, action: Tensor, state: State, generator: torch.Generator | None = None, temperature: float = 1.0
    ) -> State:
        """One dreamed step after an action "B A"."""
        state = self.dynamics.imagine(action, state, generator, temperature)
        if self.dynamics.entry.reads_reward:
            state = state._replace(reward=self.reward(state.features).to(state.stoch.dtype))
        return state

    def decode(self, features: Features) -> dict[str, Tensor]:
        """The observations that features stand for, in their own units, images in [0, 1]; empty without a decoder."""
        return {} if self.decoder is None else self.preprocess.restore(self.decoder(features))
