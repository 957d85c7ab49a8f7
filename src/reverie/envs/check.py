"""What is wrong with an environment, by name: one small function for each thing that can be.

A violation is what training would refuse or be spoiled by; a note is worth knowing. Functions look at spaces or at a
probe (`reverie.envs.probe`), and give findings.
"""

import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import Space, spaces
from gymnasium.utils.passive_env_checker import check_action_space, check_observation_space

from reverie.envs.codec import codec
from reverie.envs.observation import as_dict, is_image
from reverie.envs.probe import Moment, Probe, leaves
from reverie.errors import Finding, UserError


def bad_actions(space: Space) -> list[Finding]:
    """Actions that no codec knows: infinite bounds, or a space that is neither Box nor Discrete."""
    try:
        codec(space)
    except UserError as error:
        name = "infinite-action-bounds" if isinstance(space, spaces.Box) else "unsupported-action-space"
        return [Finding("violation", name, str(error))]
    return []


def bad_observation_space(env: gymnasium.Env, name: str) -> list[Finding]:
    """Observations of which no vectors and images can be made."""
    try:
        as_dict(env, name)
    except UserError as error:
        return [Finding("violation", "unsupported-observation-space", str(error))]
    return []


def odd_spaces(env: gymnasium.Env) -> list[Finding]:
    """What Gymnasium's own checker says of the two spaces, such as bounds that leave no room."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for check, space in ((check_action_space, env.action_space), (check_observation_space, env.observation_space)):
            try:
                check(space)
            except (AssertionError, TypeError) as error:
                warnings.warn(str(error), stacklevel=1)
    # Gymnasium's warnings are coloured.
    texts = [re.sub(r"\x1b\[[\d;]*m|WARN: ", "", str(warning.message)).strip() for warning in said]
    return [Finding("note", "odd-space", text.splitlines()[0].rstrip(".")) for text in dict.fromkeys(texts)]


def uneven_images(shapes: Mapping[str, tuple[int, ...]], stages: int) -> list[Finding]:
    """Images "height width channels" whose sides cannot be halved as often as the convolutions do."""
    found = []
    for key, shape in shapes.items():
        if len(shape) != 3 or not any(side % 2**stages for side in shape[:2]):
            continue
        height, width = shape[:2]
        fewer = _halvings(height, width)
        other = f" or --encoder.cnn.stages {fewer} --decoder.cnn.stages {fewer}" if fewer else ""
        sides = " x ".join(str(max(1, round(side / 2**stages)) * 2**stages) for side in (height, width))
        found.append(
            Finding(
                "violation",
                "image-sides",
                f"the observation '{key}' is an image of {height} x {width}, which cannot be halved {stages} times",
                f"resize it to {sides} (with --pixels: --size; else gymnasium.wrappers.ResizeObservation){other}",
            )
        )
    return found


def _halvings(height: int, width: int) -> int:
    """How often both sides can be halved."""
    both = height | width
    return (both & -both).bit_length() - 1


def wrong_observations(probed: Probe) -> Iterator[Finding]:
    """Observations of another shape or type, not finite, or outside of their space; each once for each key."""
    told: set[tuple[str, str]] = set()
    for moment in probed.moments:
        for leaf in leaves(probed.observation_space, moment.observation):
            finding = next(filter(None, (check(*leaf) for check in LEAF_CHECKS)), None)
            if finding is not None and (finding.name, leaf[0]) not in told:
                told.add((finding.name, leaf[0]))
                yield finding


def _shape(key: str, space: Space, seen: Any) -> Finding | None:
    try:
        shape = None if seen is None else np.shape(seen)
    except ValueError:  # lists of unequal lengths
        shape = None
    if space.shape is None or shape == space.shape:
        return None
    what = "is missing" if seen is None else f"has the shape {shape}" if shape is not None else "has no shape"
    message = f"'{key}' {what}, its space says {space.shape}"
    return Finding("violation", "observation-shape", message, "return what the space says, or correct the space")


def _dtype(key: str, space: Space, seen: Any) -> Finding | None:
    dtype = np.asarray(seen).dtype
    if not isinstance(space, spaces.Box) or dtype == space.dtype:
        return None
    message = f"'{key}' is {dtype}, its space says {space.dtype}"
    if is_image(space):
        cure = "return uint8 from 0 to 255: fractions would be cut off"
        return Finding("violation", "observation-dtype", message, cure)
    # A list of numbers or float64 becomes float32 all the same.
    return Finding("note", "observation-dtype", message, "it becomes float32 all the same")


def _finite(key: str, space: Space, seen: Any) -> Finding | None:
    values = np.asarray(seen)
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return None
    bad = values[~np.isfinite(values)].flat[0]
    cure = "mend the environment, or clip it in a wrapper: training stops there"
    return Finding("violation", "observation-not-finite", f"'{key}' held {bad}", cure)


def _inside(key: str, space: Space, seen: Any) -> Finding | None:
    if isinstance(space, spaces.Box):
        values = np.asarray(seen)
        low, high = values < space.low, values > space.high
        if not (low | high).any():
            return None
        message = f"'{key}' held {values[low | high].flat[0]}, outside {space}"
        return Finding("note", "observation-outside-space", message, "widen the bounds; nothing here relies on them")
    if space.contains(seen):
        return None
    message, cure = f"'{key}' was {seen!r}, outside {space}", "correct the space"
    return Finding("violation", "observation-outside-space", message, cure)


LEAF_CHECKS: tuple[Callable[[str, Space, Any], Finding | None], ...] = (_shape, _dtype, _finite, _inside)
"""In this order; the first that finds something speaks."""


def constant_observations(probed: Probe) -> Iterator[Finding]:
    """Keys that never changed in any episode."""
    values: dict[str, list[Any]] = {}
    for moment in probed.moments:
        for key, _, seen in leaves(probed.observation_space, moment.observation):
            values.setdefault(key, []).append(seen)
    still = [key for key, seen in values.items() if len(seen) > 9 and all(np.array_equal(seen[0], x) for x in seen)]
    if still and len(still) == len(values):
        message = f"nothing that is observed ever changed in {probed.steps} steps"
        yield Finding("violation", "constant-observation", message, "see that step returns what it has computed")
    elif still:
        keys = ", ".join(f"'{key}'" for key in still)
        yield Finding("note", "constant-observation", f"{keys} never changed in {probed.steps} steps", "leave it out")


def wrong_rewards(probed: Probe) -> Iterator[Finding]:
    """Rewards that are no numbers, and those that are not finite."""
    rewards = [moment.reward for episode in probed.episodes for moment in episode[1:]]
    for wrong in [reward for reward in rewards if not _is_number(reward)][:1]:
        message = f"step returned a reward of type {type(wrong).__name__} ({wrong!r}), not a number"
        yield Finding("violation", "reward-type", message, "return float(reward)")
    for bad in [reward for reward in rewards if _is_number(reward) and not np.isfinite(reward)][:1]:
        cure = "mend the environment, or clip it in a wrapper: training stops there"
        yield Finding("violation", "reward-not-finite", f"step returned a reward of {bad}", cure)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def wrong_ends(probed: Probe) -> Iterator[Finding]:
    """`terminated` and `truncated` that are no booleans."""
    flags = [(name, getattr(moment, name)) for moment in probed.moments for name in ("terminated", "truncated")]
    wrong = next(((name, flag) for name, flag in flags if not isinstance(flag, bool | np.bool_)), None)
    if wrong is not None:
        message = f"{wrong[0]} is of type {type(wrong[1]).__name__}, not bool"
        yield Finding("note", "end-type", message, f"return bool({wrong[0]})")


def confused_ends(probed: Probe) -> Iterator[Finding]:
    """Time limits that are told as ends of the task: what comes after is then valued at nothing."""
    ended = probed.ended
    lasts = [episode[-1] for episode in ended]
    lengths = {len(episode) - 1 for episode in ended}
    cure = "terminated is the task's own end, truncated the time limit; set only truncated at a limit"
    if len(ended) < 2 or not all(last.terminated for last in lasts):
        return
    if all(last.truncated for last in lasts):
        message = f"terminated and truncated were both true at the end of all {len(ended)} episodes"
        yield Finding("violation", "terminated-and-truncated", message, cure)
    elif lengths == {probed.limit}:
        message = f"all {len(ended)} episodes terminated at the time limit of {probed.limit} steps"
        yield Finding("violation", "terminated-at-time-limit", message, cure)
    elif len(lengths) == 1 and len(ended) > 2:
        message = f"all {len(ended)} episodes terminated after {lengths.pop()} steps, as if at a time limit"
        yield Finding("note", "terminated-at-one-length", message, cure)


def never_ends(probed: Probe) -> Iterator[Finding]:
    """No end in sight and no limit: an evaluation plays whole episodes."""
    if probed.steps and not probed.ended and (probed.limit is None or probed.limit <= probed.steps):
        message = f"no episode ended within {probed.steps} steps, and no time limit is known"
        yield Finding("violation", "never-ends", message, "give it one, as in --episode-limit 1000 (agent steps)")


def aliased_observations(probed: Probe) -> Iterator[Finding]:
    """Observations that change after they were returned."""
    if probed.aliased:
        message = "an observation changed after it was returned, because step writes into the same array again"
        yield Finding("note", "aliased-observation", message, "return a copy; here they are copied in any case")


PROBE_CHECKS: tuple[Callable[[Probe], Iterable[Finding]], ...] = (
    wrong_observations,
    constant_observations,
    wrong_rewards,
    wrong_ends,
    confused_ends,
    never_ends,
    aliased_observations,
)


def probe_findings(probed: Probe) -> list[Finding]:
    """All that a probe shows."""
    return [*probed.findings, *(finding for check in PROBE_CHECKS for finding in check(probed))]


def not_repeatable(same: bool, fresh: bool) -> list[Finding]:
    """An environment that goes another way from the same seed and actions, when played again or when made anew."""
    if same and fresh:
        return []
    where = "made anew" if same else "played again"
    message = f"{where}, it did something else from the same seed and actions"
    cure = "draw from self.np_random alone and let reset forget all; without that no run repeats or resumes exactly"
    return [Finding("note", "not-repeatable", message, cure)]


def rewards_of(moments: Iterable[Moment]) -> list[float]:
    """The rewards that are numbers."""
    return [float(moment.reward) for moment in moments if _is_number(moment.reward)]
