"""Atari games, as published agents see them, by Gymnasium's own preprocessing."""

import difflib
from typing import Any

import gymnasium
from gymnasium.wrappers import AtariPreprocessing

from reverie.envs.observation import SCREEN
from reverie.envs.seeds import GOES_ON
from reverie.errors import MissingExtra, UserError

_ALE = "ALE/"
SKIP, NOOPS, SIDE = 4, 30, 64
"""Game frames that an action is held for; the most idle frames before an episode begins; the picture's side."""


def from_atari(task: str, size: int | None) -> gymnasium.Env:
    """A game, "Pong" or "MsPacman": colour images of 64 x 64 (or of another size), the larger of the last two frames.

    An action is held for 4 game frames, and an episode begins after up to 30 idle ones. Actions are never sticky, only
    those that the game uses are there, and losing a life ends nothing: DreamerV3's protocol for Atari 100k.
    `EpisodicLives` makes each life an episode.

    Raises:
        MissingExtra: if ale-py is not installed.
        UserError: for an unknown game.
    """
    try:
        import ale_py
    except ModuleNotFoundError as error:
        raise MissingExtra("ale-py", "atari", f"ale:{task}") from error
    gymnasium.register_envs(ale_py)
    known = [key.removeprefix(_ALE).removesuffix("-v5") for key in gymnasium.registry if key.startswith(_ALE)]
    if task not in known:
        near = difflib.get_close_matches(task, known, n=1, cutoff=0.5)
        cure = f"did you mean '{near[0]}'?" if near else "they are named like Pong and MsPacman"
        raise UserError(f"unknown Atari game '{task}'; {cure}")
    plain: dict[str, Any] = {"frameskip": 1, "repeat_action_probability": 0.0, "full_action_space": False}
    game = gymnasium.make(f"{_ALE}{task}-v5", render_mode="rgb_array", **plain)
    seen = AtariPreprocessing(
        game,
        noop_max=NOOPS,
        frame_skip=SKIP,
        screen_size=size or SIDE,
        grayscale_obs=False,
        terminal_on_life_loss=False,
    )
    seen.metadata = {**seen.metadata, SCREEN: True}
    return seen


class EpisodicLives(gymnasium.Wrapper[Any, Any, Any, Any]):
    """A game in which each life is an episode: losing one terminates it, and the next reset goes on with the same game.

    Gymnasium's `terminal_on_life_loss` begins a new game after every life, so that nothing that only later lives see is
    ever learned. Here the reset takes one idle step, whose reward is lost, as OpenAI Baselines' wrapper does; a seed
    given to it begins a new game, as do the game's own end and an episode that was cut.

    An idle step that ends the game begins another at once, without a seed of its own, as part of the one before.

    The step that loses a life says so in its info, under `GOES_ON`. Raises UserError where it is no Atari game.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], name: str) -> None:
        if not hasattr(env.unwrapped, "ale"):
            raise UserError(f"{name} is no Atari game, so --episodic-lives is not for it; leave --episodic-lives out")
        super().__init__(env)
        self._lives = 0
        self._lost = False

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin the next life, or a new game where there is none."""
        lost, self._lost = self._lost and seed is None, False
        if lost:
            observation, _, terminated, truncated, info = self.env.step(0)
            if not (terminated or truncated):
                return self._begun(observation, info)
        return self._begun(*self.env.reset(seed=seed, options=options))

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step; terminated with the game or with a life."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        before, self._lives = self._lives, self._left
        # Without any left the game is about to end by itself: Q*bert shows none for some frames before it does.
        self._lost = 0 < self._lives < before and not (terminated or truncated)
        if self._lost:
            info = {**info, GOES_ON: True}
        return observation, reward, terminated or self._lost, truncated, info

    def _begun(self, observation: Any, info: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        self._lives = self._left
        return observation, info

    @property
    def _left(self) -> int:
        game: Any = self.unwrapped
        return game.ale.lives()
