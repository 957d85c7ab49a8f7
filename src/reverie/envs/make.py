"""`make("suite:task")`: one environment, its observation a Dict of float32 vectors and uint8 images.

    suite                  repeat           limit            observe                    stack
    the environment    ->  RepeatAction ->  TimeLimit   ->   drawn or its own, Dict ->  FrameStackObservation
    (own limit, look,      (rewards sum)    (agent steps)    (once per agent step;
     lives)                                                   crop, size)

All are Gymnasium's wrappers. Time limits, the environment's own or ours, arrive as `truncated`, never `terminated`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import gymnasium
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.wrappers import RepeatAction, TimeLimit

from reverie.envs.atari import EpisodicLives
from reverie.envs.codec import codec
from reverie.envs.observation import ANY_SIZE, WHOLE, as_dict, framed, rendered, stacked
from reverie.envs.racing import RepeatUndrawn, draws_each_frame, with_pedals
from reverie.envs.rendering import FastLook
from reverie.envs.suites import open_env, opened
from reverie.errors import UserError, about, unknown

Vector = Literal["sync", "async"]
Look = Literal["standard", "fast"]


@dataclass(frozen=True, kw_only=True)
class EnvConfig:
    """Which environment, and how it is seen. Raises UserError where a value makes no sense."""

    env: str
    """dmc:TASK, gym:ID (a bare ID is one too), ale:GAME, vizdoom:SCENARIO, memory:TASK or py:package.module:factory."""
    action_repeat: int = 1
    """Steps of the environment for which each action is held; their rewards are summed."""
    pixels: bool = False
    """Observe a drawn image instead of the environment's own observation."""
    size: int = 64
    """Side of the drawn image, in pixels; the environment's own images keep theirs, but with --height or --crop."""
    height: int = 0
    """Height of the image, where --size is its width alone; 0: as high as it is wide."""
    crop: tuple[float, float] = WHOLE
    """The rows of the image that are seen, from and to, as shares of its height."""
    look: Look = "standard"
    """fast: MuJoCo draws without shadows, reflections and multisampling; standard: as the environment draws itself."""
    frame_stack: int = 1
    """How many of the latest observations the agent sees at once."""
    episode_limit: int = 0
    """Agent steps after which an episode is cut (truncated), if the environment does not do so sooner; 0: its own."""
    episodic_lives: bool = False
    """In training, losing a life of an Atari game ends the episode (terminal); evaluations always play whole games."""
    num_envs: int = 1
    """Environments stepped side by side."""
    vector: Vector = "sync"
    """sync: in one process, one after the other; async: a process for each."""
    rate: float = 0.0
    """Agent steps a second that each environment takes in training, as a robot does; 0: as many as it can."""

    def __post_init__(self) -> None:
        if not self.env:
            raise UserError(
                "--env is empty: name one, as in dmc:cartpole-swingup, gym:Pendulum-v1 or py:module:factory"
            )
        for name in ("action_repeat", "size", "frame_stack", "num_envs"):
            if getattr(self, name) < 1:
                raise UserError(f"--{name.replace('_', '-')} must be at least 1, not {getattr(self, name)}")
        if self.height < 0:
            raise UserError(f"--height must not be negative, not {self.height}; 0 is as high as wide")
        object.__setattr__(self, "crop", tuple(self.crop))  # JSON has lists alone
        _shares(self.crop, "--crop")
        if self.episode_limit < 0:
            raise UserError(
                f"--episode-limit must not be negative, not {self.episode_limit}; 0 is the task's own limit"
            )
        if not 0 <= self.rate < math.inf:
            raise UserError(f"--rate must be a number of agent steps a second, or 0 for no pace, not {self.rate}")
        if self.vector not in get_args(Vector):
            raise unknown("vector", self.vector, get_args(Vector))
        if self.look not in get_args(Look):
            raise unknown("look", self.look, get_args(Look))

    def make(self, *, training: bool = False) -> gymnasium.Env:
        """One environment, as evaluations see it or, where that differs, as training does."""
        return make(
            self.env,
            action_repeat=self.action_repeat,
            pixels=self.pixels,
            size=(self.height, self.size) if self.height else self.size,
            crop=self.crop,
            look=self.look,
            frame_stack=self.frame_stack,
            episode_limit=self.episode_limit,
            episodic_lives=self.episodic_lives and training,
        )


def make(
    env: str | Callable[[], gymnasium.Env],
    *,
    action_repeat: int = 1,
    pixels: bool = False,
    size: int | tuple[int, int] = 64,
    crop: tuple[float, float] = WHOLE,
    look: Look = "standard",
    frame_stack: int = 1,
    episode_limit: int = 0,
    episodic_lives: bool = False,
) -> gymnasium.Env:
    """One environment whose observation is a Dict of float32 vectors "size" and uint8 images "height width channels".

    env: "dmc:cartpole-swingup", "gym:Pendulum-v1", any registered Gymnasium id, "py:package.module:factory", or a
        function that makes one. An observation that is no Dict becomes {"state": ..} or {"image": ..}.
    action_repeat: steps of the environment per action; the rewards are summed, the episode's end stops it.
    pixels: observe {"image": uint8 "height width 3"}, drawn by the environment, instead of its own observation.
    size: side of the drawn image, or its (height, width); own images keep theirs, but for a pair and with a crop.
    crop: from where to where the rows of images are kept, as shares of their height, before they are resized.
    look: "fast" draws MuJoCo without shadows, reflections and multisampling.
    frame_stack: latest observations side by side, the oldest first: images in their channels, vectors end to end.
    episode_limit: agent steps after which an episode is truncated; the environment's own limit holds as well. 0: that.
    episodic_lives: losing a life of an Atari game ends the episode, and the next one goes on with the same game.

    Raises UserError where the environment is not known, does not open, or its spaces are not supported; MissingExtra
    where a package is not installed.
    """
    sides = (size, size) if isinstance(size, int) else size
    _at_least(1, action_repeat=action_repeat, size=min(sides), frame_stack=frame_stack)
    _at_least(0, episode_limit=episode_limit)
    _shares(crop, "crop")
    if isinstance(env, str):
        name, own = env, open_env(env, max(sides) if pixels else None)
    else:
        name = getattr(env, "__qualname__", type(env).__qualname__)
        own = opened(env, name)
    try:
        with about(name):
            codec(own.action_space)
        made: gymnasium.Env = FastLook(own, name) if look == "fast" else with_pedals(own)
        if episodic_lives:
            made = EpisodicLives(made, name)
        if action_repeat > 1:
            made = (RepeatUndrawn if draws_each_frame(made) else RepeatAction)(made, action_repeat)
        if episode_limit:
            made = TimeLimit(made, episode_limit)
        made = rendered(made, name) if pixels else as_dict(made, name)
        if pixels or own.metadata.get(ANY_SIZE) or crop != WHOLE or not isinstance(size, int):
            made = framed(made, sides, crop, name)
        if frame_stack > 1:
            made = stacked(made, frame_stack)
    except BaseException:
        own.close()
        raise
    if action_repeat > 1 and made.metadata.get("render_fps"):
        # A film shows one frame per agent step.
        made.metadata = {**made.metadata, "render_fps": max(1, round(made.metadata["render_fps"] / action_repeat))}
    return made


def make_vector(makers: Sequence[Callable[[], gymnasium.Env]], kind: Vector = "sync") -> VectorEnv:
    """One environment of each maker, stepped side by side, with Gymnasium's next-step autoreset.

    The step after an episode's end ignores its action and returns the next episode's first observation with reward 0.
    Each maker is called once; kind "async" calls it in a process for each, and so has to send it there.
    """
    _at_least(1, num_envs=len(makers))
    if kind == "sync":
        return SyncVectorEnv(makers, autoreset_mode=AutoresetMode.NEXT_STEP)
    if kind == "async":
        # Not forked: a forked process inherits an OpenGL context and torch's threads, neither of which survives that.
        return AsyncVectorEnv(makers, autoreset_mode=AutoresetMode.NEXT_STEP, context="spawn")
    raise unknown("vector", kind, get_args(Vector))


def _at_least(least: int, **values: int) -> None:
    for name, value in values.items():
        if value < least:
            raise UserError(f"{name} must be at least {least}, not {value}")


def _shares(crop: tuple[float, float], name: str) -> None:
    if len(crop) != 2 or not 0 <= crop[0] < crop[1] <= 1:
        raise UserError(
            f"{name} needs two shares of the height, from 0 to 1 and the smaller one first, not "
            f"{' '.join(map(str, crop))}, as in {name} 0.4 0.7"
        )
