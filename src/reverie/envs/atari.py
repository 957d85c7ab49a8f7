"""Atari games, as published agents see them, by Gymnasium's own preprocessing."""

import difflib
from typing import Any

import gymnasium
from gymnasium.wrappers import AtariPreprocessing

from reverie.errors import MissingExtra, UserError

_ALE = "ALE/"
SKIP, NOOPS, SIDE = 4, 30, 64
"""Game frames that an action is held for; the most idle frames before an episode begins; the picture's side."""


def from_atari(task: str, size: int | None) -> gymnasium.Env:
    """A game, "Pong" or "MsPacman": colour images of 64 x 64 (or of another size), the larger of the last two frames.

    An action is held for 4 game frames, and an episode begins after up to 30 idle ones. Actions are never sticky, only
    those that the game uses are there, and losing a life ends nothing: DreamerV3's protocol for Atari 100k. The size is
    what the game observes already.

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
    return AtariPreprocessing(
        game,
        noop_max=NOOPS,
        frame_skip=SKIP,
        screen_size=size or SIDE,
        grayscale_obs=False,
        terminal_on_life_loss=False,
    )
