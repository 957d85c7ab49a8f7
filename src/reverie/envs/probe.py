"""Trying an environment as it is: some episodes of random actions, with all that came back copied as it came."""

import contextlib
import copy
import math
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np
from gymnasium import Space, spaces
from gymnasium.utils.env_checker import data_equivalence
from gymnasium.wrappers import AtariPreprocessing, TimeLimit

from reverie.errors import Finding, UserError, in_one_line


@dataclass(frozen=True)
class Moment:
    """What `reset` or `step` returned; the reward of a reset is None."""

    observation: Any
    reward: Any = None
    terminated: Any = False
    truncated: Any = False

    @property
    def ends(self) -> bool:
        """Whether the episode is over."""
        return bool(self.terminated) or bool(self.truncated)


@dataclass
class Probe:
    """What an environment did.

    Attributes:
        observation_space: what it says it shows.
        limit: steps after which it is cut, as far as that can be known.
        episodes: their moments, the reset first; the last one may be cut short.
        actions: of each episode, one fewer than its moments.
        findings: what kept it from being played, or went wrong in a call.
        aliased: an observation changed after it was returned.
        seconds: spent in `step`.
    """

    observation_space: Space
    limit: int | None
    episodes: list[list[Moment]] = field(default_factory=list)
    actions: list[list[Any]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    aliased: bool = False
    seconds: float = 0.0

    @property
    def steps(self) -> int:
        """Taken in all episodes."""
        return sum(len(actions) for actions in self.actions)

    @property
    def moments(self) -> Iterator[Moment]:
        """Those of all episodes."""
        return (moment for episode in self.episodes for moment in episode)

    @property
    def ended(self) -> list[list[Moment]]:
        """The episodes that came to an end."""
        return [episode for episode in self.episodes if episode[-1].ends]


class _UnplayableError(Exception):
    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def probe(env: gymnasium.Env, *, episodes: int = 4, steps: int = 3000, seed: int = 0) -> Probe:
    """Play episodes of random actions, at most that many steps in all, from the seeds `seed`, `seed + 1`, ..."""
    probed = Probe(env.observation_space, episode_limit(env))
    env.action_space.seed(seed)
    with _told(probed.findings):
        while len(probed.episodes) < episodes and probed.steps < steps:
            _episode(env, probed, seed + len(probed.episodes), steps - probed.steps)
    return probed


def repeats(env: gymnasium.Env, probed: Probe, *, seed: int = 0, steps: int = 300) -> bool:
    """Whether the first probed episode comes again from its seed and its actions, to the bit."""
    if not probed.actions:
        return True
    faults: list[Finding] = []
    with _told(faults):
        before = probed.episodes[0]
        same = _same(Moment(_reset(env, seed, [])), before[0])
        for index, action in enumerate(probed.actions[0][:steps], 1):
            same = same and index < len(before) and _same(_step(env, action), before[index])
        return same
    return False


def speed(env: gymnasium.Env, steps: int = 100) -> float:
    """Steps per second under random actions, resets not counted."""
    env.action_space.seed(0)
    env.reset(seed=0)
    taken, seconds = 0, 0.0
    while taken < steps:
        action = env.action_space.sample()
        begin = time.perf_counter()
        _, _, terminated, truncated, _ = env.step(action)
        seconds += time.perf_counter() - begin
        taken += 1
        if terminated or truncated:
            env.reset()
    return taken / seconds


def episode_limit(env: gymnasium.Env) -> int | None:
    """Steps of this environment after which an episode is cut: the smallest limit that any layer of it declares."""
    limits: list[float] = []
    held, layer = 1, env
    while isinstance(layer, gymnasium.Wrapper):
        if isinstance(layer, AtariPreprocessing):
            held = layer.frame_skip
        if isinstance(layer, TimeLimit):
            limits.append(layer._max_episode_steps)
        layer = layer.env
    if env.spec is not None and env.spec.max_episode_steps:
        limits.append(env.spec.max_episode_steps)
    # Atari's is in game frames, of which a step takes several.
    frames = (env.spec.kwargs if env.spec is not None else {}).get("max_num_frames_per_episode")
    if frames:
        limits.append(frames // held)
    # dm_control keeps its limit to itself, and Shimmy passes it on to nobody.
    limits.append(getattr(vars(layer).get("_env"), "_step_limit", math.inf))
    return int(min(limits)) if math.isfinite(min(limits)) else None


def leaves(space: Space, seen: Any, name: str = "") -> Iterator[tuple[str, Space, Any]]:
    """The parts of an observation that are no containers: name, space and value; None for one that is not there."""
    if isinstance(space, spaces.Dict):
        for key, part in space.spaces.items():
            yield from leaves(part, seen.get(key) if isinstance(seen, dict) else None, f"{name}.{key}" if name else key)
    elif isinstance(space, spaces.Tuple):
        for index, part in enumerate(space.spaces):
            value = seen[index] if isinstance(seen, Sequence) and index < len(seen) else None
            yield from leaves(part, value, f"{name}.{index}" if name else str(index))
    else:
        yield name or "observation", space, seen


@contextlib.contextmanager
def _told(findings: list[Finding]) -> Iterator[None]:
    """Whatever an environment raises becomes a finding; warnings are not repeated at each step."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except _UnplayableError as error:
        findings.append(error.finding)
    except UserError as error:
        findings.append(Finding("violation", "refused", str(error)))
    except Exception as error:  # the environment's own code may raise anything
        message = f"the environment raised {in_one_line(error)}"
        findings.append(Finding("violation", "fails", message, "mend it: training would stop there"))


def _episode(env: gymnasium.Env, probed: Probe, seed: int, steps: int) -> None:
    seen = _reset(env, seed, probed.findings)
    episode, actions = [Moment(copy.deepcopy(seen))], []
    probed.episodes.append(episode)
    probed.actions.append(actions)
    while len(actions) < steps and not episode[-1].ends:
        action = env.action_space.sample()
        begin = time.perf_counter()
        now = _step(env, action)
        probed.seconds += time.perf_counter() - begin
        probed.aliased |= not data_equivalence(seen, episode[-1].observation, exact=True) and _comparable(seen)
        seen = now.observation
        actions.append(copy.deepcopy(action))
        episode.append(copy.deepcopy(now))


def _reset(env: gymnasium.Env, seed: int, findings: list[Finding]) -> Any:
    """The first observation; a reset that gives nothing else is found once, and played on."""
    try:
        result: Any = env.reset(seed=seed)
    except TypeError as error:
        if "seed" not in str(error):
            raise
        cure = "give it the signature reset(self, *, seed=None, options=None)"
        raise _UnplayableError(Finding("violation", "reset-takes-no-seed", in_one_line(error), cure)) from error
    if isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], dict):
        return result[0]
    if not any(finding.name == "reset-without-info" for finding in findings):
        message = f"reset returned a {type(result).__name__}, not a tuple of an observation and a dict"
        cure = "end it with: return observation, {}"
        findings.append(Finding("violation", "reset-without-info", message, cure))
    return result[0] if isinstance(result, tuple) and len(result) == 2 else result


def _step(env: gymnasium.Env, action: Any) -> Moment:
    result: Any = env.step(action)
    if not (isinstance(result, tuple) and len(result) == 5):
        what = f"{len(result)} things" if isinstance(result, tuple) else f"a {type(result).__name__}"
        cure = "return observation, reward, terminated, truncated, info"
        raise _UnplayableError(Finding("violation", "step-result", f"step returned {what}, not five", cure))
    return Moment(*result[:4])


def _comparable(seen: Any) -> bool:
    """False where not even a copy equals the original, as with nan."""
    return data_equivalence(seen, copy.deepcopy(seen), exact=True)


def _same(one: Moment, other: Moment) -> bool:
    rewards = [np.nan_to_num(np.asarray(m.reward, np.float64)) if m.reward is not None else None for m in (one, other)]
    ends = (bool(one.terminated), bool(one.truncated)) == (bool(other.terminated), bool(other.truncated))
    seen = data_equivalence(one.observation, other.observation, exact=True) or not _comparable(one.observation)
    return ends and seen and (rewards[0] is None or bool(np.array_equal(rewards[0], rewards[1])))  # type: ignore[arg-type]
