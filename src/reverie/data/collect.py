"""Collecting: the environments' side of the loop. It knows types and environments, not models.

    record t      o_t, a_{t-1}, r_t, first_t, terminal_t
    reset         a record of its own: first = 1, reward 0, the action that is 0 to the model, or the first choice
                  (Gymnasium's next-step autoreset)

Everything is indexed by arrival.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np

from reverie.data.replay import PREFIX, Column, Record, Replay
from reverie.envs.codec import ActionCodec
from reverie.envs.seeds import GOES_ON, Past
from reverie.errors import UserError

Act = Callable[[Mapping[str, np.ndarray], np.ndarray, np.ndarray], np.ndarray]
"""Observations "B ...", the rewards "B" that came with them, and first "B" to the environments' own actions "B ..."."""


def columns_of(space: gymnasium.spaces.Space, codec: ActionCodec) -> dict[str, Column]:
    """The replay's columns for one environment's observations, a Dict, and actions."""
    assert isinstance(space, gymnasium.spaces.Dict), space
    columns = {PREFIX + key: Column(box.shape or (), np.dtype(box.dtype)) for key, box in space.spaces.items()}
    return columns | {"action": Column(codec.shape, np.dtype(codec.dtype))}


class RandomAct:
    """Actions drawn uniformly from the environment's own space, each held for some steps.

    Held actions lead further away from where episodes begin than those that change at every step.
    """

    def __init__(self, codec: ActionCodec, rng: np.random.Generator, holds: Sequence[int] = (1,)) -> None:
        """holds: for how many steps; one of these numbers is drawn for each action."""
        self._codec, self._rng, self._holds = codec, rng, tuple(holds)
        self._action: np.ndarray | None = None
        self._left = np.zeros(0, np.int64)  # for how many more steps each is held

    def __call__(self, observation: Mapping[str, np.ndarray], reward: np.ndarray, first: np.ndarray) -> np.ndarray:
        """The environments' own actions "B ..."; what an episode held, the next does not."""
        drawn = self._codec.sample(self._rng, len(first))
        if self._holds == (1,):
            return drawn
        steps = self._rng.choice(self._holds, len(first))
        if self._action is None:
            self._action, self._left = drawn, steps
        else:
            new = (self._left == 0) | np.asarray(first, np.bool_)
            self._action = np.where(new.reshape(-1, *[1] * (drawn.ndim - 1)), drawn, self._action)
            self._left = np.where(new, steps, self._left)
        self._left = self._left - 1
        return self._action

    def state(self) -> dict[str, Any]:
        """What `resume` needs beside the generator, for JSON."""
        return {} if self._action is None else {"action": self._action.tolist(), "left": self._left.tolist()}

    def resume(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` gave."""
        if state:
            self._action = np.array(state["action"], self._codec.dtype)
            self._left = np.array(state["left"], np.int64)


def unfinite(observation: Mapping[str, np.ndarray], reward: np.ndarray) -> str | None:
    """The first number that is none, such as "a reward of nan"; None where all are finite."""
    named = [(f"an observation '{key}'", values) for key, values in observation.items()]
    for what, values in [*named, ("a reward", reward)]:
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            return f"{what} of {values[~np.isfinite(values)].flat[0]}"
    return None


def check_finite(observation: Mapping[str, np.ndarray], reward: np.ndarray, when: str) -> None:
    """See that an environment's numbers are some.

    Raises:
        UserError: that names the first one that is not finite, and when it came.
    """
    if found := unfinite(observation, reward):
        raise UserError(
            f"the environment returned {found} after {when}; "
            "a world cannot be learned from that: mend the environment, or clip it in a wrapper"
        )


class Collector:
    """Steps B environments and appends what happens to a replay.

    Attributes:
        keep: where each record goes: into the replay, unless somebody else takes it there.
        steps: agent steps taken in all environments together; resets are not steps.
        finished: the returns of episodes that ended since last taken; of whole games, where lives are episodes.
    """

    def __init__(self, envs: gymnasium.vector.VectorEnv, codec: ActionCodec, replay: Replay) -> None:
        self._envs = envs
        self._replay = replay
        self.keep: Callable[[Record], None] = replay.add
        self._record: dict[str, np.ndarray] | None = None
        # What a reset is stored with: an action of the space, which 0 may not be.
        self._none = codec.decode(np.zeros((envs.num_envs, codec.size), np.float32))
        self._done = np.zeros(envs.num_envs, np.bool_)
        self._returns = np.zeros(envs.num_envs)
        self._episodes = np.zeros(envs.num_envs, np.int64)  # begun so far
        self._of_game = np.zeros(envs.num_envs, np.int64)  # those begun in the running game, 0 once it is over
        self.steps = 0
        self.finished: list[float] = []

    def collect(self, steps: int, act: Act) -> list[Record]:
        """Take at least that many agent steps, and give the new records.

        Raises:
            UserError: if an environment returns a number that is not finite.
        """
        records: list[Record] = []
        until = self.steps + steps
        if self._record is None:
            records.append(self._reset())
        while self.steps < until:
            records.append(self._step(act))
        return records

    def take_finished(self) -> list[float]:
        """The returns of episodes that ended since last taken; those that come in meanwhile wait for the next time."""
        return [self.finished.pop(0) for _ in range(len(self.finished))]

    def _reset(self) -> Record:
        observation, _ = self._envs.reset()
        rows = self._envs.num_envs
        return self._store(observation, self._none, np.zeros(rows, np.float32), np.ones(rows, np.bool_), self._done)

    def _step(self, act: Act) -> Record:
        assert self._record is not None
        now = {key.removeprefix(PREFIX): x for key, x in self._record.items() if key.startswith(PREFIX)}
        action = act(now, self._record["reward"], self._record["first"])
        first = self._done
        observation, reward, terminated, truncated, info = self._envs.step(action)
        # Where an episode had ended the environment was reset instead: what was chosen there never happened.
        action = np.where(first.reshape(-1, *[1] * (action.ndim - 1)), self._none, action)
        reward = np.where(first, 0, reward).astype(np.float32)
        self.steps += int((~first).sum())
        self._returns += reward
        self._done = np.logical_or(terminated, truncated)
        over = self._done & ~np.asarray(info.get(GOES_ON, False), np.bool_)
        for row in np.flatnonzero(over):
            self.finished.append(float(self._returns[row]))
            self._returns[row] = 0.0
        self._of_game[over] = 0
        return self._store(observation, action, reward, first, np.asarray(terminated))

    def _store(
        self,
        observation: Mapping[str, np.ndarray],
        action: np.ndarray,
        reward: np.ndarray,
        first: np.ndarray,
        terminal: np.ndarray,
    ) -> Record:
        check_finite(observation, reward, f"{self.steps} agent steps")
        # Vector environments may reuse their buffers.
        record = {PREFIX + key: np.array(values) for key, values in observation.items()}
        record |= {"action": action, "reward": reward, "first": first.copy(), "terminal": terminal.copy()}
        self.keep(record)
        self._record = record
        self._episodes += first
        self._of_game += first
        return record

    def state(self) -> dict[str, Any]:
        """What `resume` needs beside the replay, for JSON."""
        return {
            "steps": self.steps,
            "finished": self.finished,
            "done": self._done.tolist(),
            "returns": self._returns.tolist(),
            "episodes": self._episodes.tolist(),
            "of_game": self._of_game.tolist(),
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` gave; `rebuild` then brings the environments there.

        Raises:
            ValueError: if it is of another number of environments.
        """
        rows = self._envs.num_envs
        for name in {"done", "returns", "episodes", "of_game"} & state.keys():
            if len(state[name]) != rows:
                raise ValueError(f"the collector's {name} is not of {rows} environments")
        self.steps, self.finished = int(state["steps"]), [float(total) for total in state["finished"]]
        self._episodes = np.array(state["episodes"], np.int64)
        self._done = np.array(state["done"], np.bool_)
        self._returns = np.array(state["returns"], np.float64)
        # Checkpoints of older versions know of no lives.
        self._of_game = np.array(state.get("of_game", ~self._done), np.int64)

    def rebuild(self, *, again: bool = True) -> list[int]:
        """Take up the running games, which the replay holds, by stepping through their actions.

        Args:
            again: whether the actions may be done again; a robot should not move before anybody looks.

        Returns:
            The environments that did not repeat themselves, or whose game's beginning is no longer held: each of them
            starts a new episode, in a new game.
        """
        if not self._episodes.any():  # what the replay holds, if anything, was recorded elsewhere
            return []
        self._record = self._replay.last()
        games = [max(1, int(number)) for number in self._of_game]
        running = self._replay.running(games) if again else [None] * len(games)
        pasts = [self._past(row, columns) for row, columns in enumerate(running)]
        self._envs.set_attr("past", pasts)  # pyright: ignore[reportAttributeAccessIssue]  # both kinds have it
        _, info = self._envs.reset()
        strangers = [
            row
            for row, columns in enumerate(running)
            if self._of_game[row] and (columns is None or not info["rebuilt"][row])
        ]
        # The next step of these begins a new episode, as after a time limit.
        self._done[strangers] = True
        self._of_game[strangers] = 0
        self._returns[strangers] = 0.0
        return strangers

    def _past(self, row: int, columns: Mapping[str, np.ndarray] | None) -> Past:
        """The running game of an environment; one whose beginning is not known counts as over."""
        assert self._record is not None
        known = columns or {name: x[row : row + 1] for name, x in self._record.items()}
        seen = {name.removeprefix(PREFIX): x for name, x in known.items() if name.startswith(PREFIX)}
        return Past(
            int(self._episodes[row]) - 1,
            known["first"],
            known["action"],
            seen,
            ended=columns is None or bool(self._done[row]),
            goes_on=columns is not None and bool(self._of_game[row]),
        )
