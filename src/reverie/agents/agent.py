"""An agent: a world, a behaviour, and what stands between them and an environment."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from reverie.behaviour.behaviour import Behaviour
from reverie.behaviour.planner import Planner
from reverie.envs.codec import ActionCodec
from reverie.errors import UserError
from reverie.types import Features, Mode, State
from reverie.world.objective import Objective
from reverie.world.world import World


class Carry(NamedTuple):
    """What an agent carries from step to step, for B rows: state, the memory of who chooses, its last action "B A"."""

    state: State
    memory: Any
    action: Tensor


class Dreamed(NamedTuple):
    """What an agent expects of B environments over T steps of its own choices: what it does, and what that brings."""

    action: np.ndarray
    """the environments' own, "B T ..\""""
    reward: np.ndarray
    """"B T", in the environments' unit"""
    going: np.ndarray
    """"B T", the chance that the episode still goes on once the step is done"""
    observation: dict[str, np.ndarray]
    """what is seen after each step, "B T ..", images in [0, 1]; empty where the world decodes nothing"""


class Agent(nn.Module):
    """A world and a behaviour that act in an environment, and dream; a planner chooses, or the behaviour itself."""

    def __init__(
        self,
        world: World,
        objective: nn.Module,
        behaviour: nn.Module,
        codec: ActionCodec,
        planner: Planner[Any],
    ) -> None:
        super().__init__()
        self.world = world
        self.objective: Objective = objective  # type: ignore[assignment]  # modules that keep their Protocols
        self.behaviour: Behaviour[Any] = behaviour  # type: ignore[assignment]
        self.codec = codec
        self.planner = planner

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.world.parameters()).device

    def initial(self, rows: int) -> Carry:
        """What is carried into the first step of B episodes."""
        action = torch.zeros(rows, self.codec.size, device=self.device)
        return Carry(self.world.initial(rows), self.undecided(rows), action)

    def undecided(self, rows: int) -> Any:
        """The memory of whoever chooses, before anything happened, for B rows."""
        return self.planner.initial(self.behaviour, rows, self.device)

    def choose(
        self, state: State, memory: Any, first: Tensor, mode: Mode, generator: torch.Generator | None
    ) -> tuple[Tensor, Any]:
        """The actions "B A" in [-1, 1] to take at a state, real or dreamed, and the memory after them."""
        return self.planner.act(self.world, self.behaviour, state, memory, first, mode, generator)

    def dreaming(
        self, state: State, memory: Any, first: Tensor, generator: torch.Generator, *, drawn: bool = False
    ) -> Iterator[tuple[Tensor, State]]:
        """Actions "B A" chosen as in evaluation, and the states that they are dreamed to lead to, for ever.

        Latents are the most likely ones, or drawn. first "B" is one where an episode begins at the given state.
        """
        while True:
            action, memory = self.choose(state, memory, first, "evaluate", generator)
            state = self.world.imagine(action, state, generator if drawn else None)
            first = torch.zeros_like(first)
            yield action, state

    @torch.inference_mode()
    def act(
        self,
        observation: Mapping[str, np.ndarray],
        reward: np.ndarray,
        first: np.ndarray,
        carry: Carry,
        mode: Mode = "evaluate",
        generator: torch.Generator | None = None,
    ) -> tuple[np.ndarray, Carry]:
        """One step of B environments.

        Args:
            observation: arrays "B ..." of each key.
            reward: "B", what led here brought; zero where an episode begins.
            first: "B", one where an episode begins.
            carry: from `initial` or the step before.
            mode: explore (needs a generator) or evaluate, which is deterministic.
            generator: draws latents and actions when exploring.

        Returns:
            The environments' own actions "B ...", and what to carry on.

        Raises:
            UserError: if an action is not finite; no environment should see it.
        """
        device = self.device
        seen = {key: torch.as_tensor(x, device=device) for key, x in observation.items()}
        # Gymnasium's rewards are doubles, which not every device has.
        starts = torch.as_tensor(np.asarray(first, np.float32), device=device)
        brought = torch.as_tensor(np.asarray(reward, np.float32), device=device)
        draws = generator if mode == "explore" else None
        state = self.world.update(seen, self.world.arriving(carry.action, brought), starts, carry.state, draws)
        action, memory = self.choose(state, carry.memory, starts, mode, generator)
        chosen = action.float().cpu().numpy()
        if not np.isfinite(chosen).all():
            raise UserError(
                "the agent chose an action that is not a number: its weights or what it saw are not finite; "
                "where that happens in training, a lower learning rate or --precision float32 may help"
            )
        own = self.codec.decode(chosen)
        # What was really done, as replay will hold it: clipped, rounded where the environment counts in integers.
        done = torch.as_tensor(self.codec.encode(own), device=device)
        return own, Carry(state, memory, done.to(action.dtype))

    @torch.inference_mode()
    def dream(self, carry: Carry, steps: int) -> Dreamed:
        """What the agent expects to do and to see next: the action just chosen, and then its own choices in its dream.

        Actions and latents are the most likely ones throughout, so what is expected is one future, not their mean. The
        dream follows the actions as they are chosen; they are told as the environment would take them, clipped and
        rounded.

        Args:
            carry: from `act`.
            steps: T.

        Raises:
            UserError: for less than one step.
        """
        if steps < 1:
            raise UserError(f"a dream needs at least 1 step, not {steps}")
        generator = torch.Generator(self.device).manual_seed(0)
        inside = torch.zeros(len(carry.action), device=self.device)  # no episode begins in a dream
        state = self.world.imagine(carry.action, carry.state)
        actions, moments = [carry.action], [state.features]
        for action, later in islice(self.dreaming(state, carry.memory, inside, generator), steps - 1):
            actions.append(action)
            moments.append(later.features)
        features = Features.stacked(moments)
        reward = self.world.reward(features) * self.world.preprocess.reward_unit
        going = self.world.continue_(features).cumprod(1)
        chosen = [self.codec.decode(action.float().cpu().numpy()) for action in actions]
        seen = {key: x.float().cpu().numpy() for key, x in self.world.decode(features).items()}
        return Dreamed(np.stack(chosen, 1), reward.float().cpu().numpy(), going.float().cpu().numpy(), seen)
