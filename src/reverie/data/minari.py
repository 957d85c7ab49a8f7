"""Minari datasets (https://minari.farama.org): recorded episodes of Gymnasium environments, read and written.

Minari keeps T actions, rewards and ends beside T + 1 observations; here each is a record on arriving:

    Minari     o_0 .. o_T     a_0 .. a_{T-1}     r_0 .. r_{T-1}     terminated, truncated 0 .. T-1
    record t   o_t            a_{t-1}            r_{t-1}            terminal: terminated_{t-1}

Datasets lie where Minari keeps them: in MINARI_DATASETS_PATH, or in ~/.minari/datasets.
"""

import shutil
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec

from reverie.data.recording import Recording, no_action
from reverie.data.replay import PREFIX
from reverie.envs.codec import codec
from reverie.envs.make import EnvConfig
from reverie.envs.observation import alone, in_one_form
from reverie.errors import MissingExtra, UserError, about

OWN = "reverie"
"""The key of a dataset's metadata that holds the environment's configuration, where Reverie wrote it."""

KIND = "minari:"


class MinariSource:
    """A dataset of this machine."""

    def __init__(self, dataset: str) -> None:
        """dataset: its id, such as pendulum/dreamer-v0.

        Raises:
            UserError: if there is none of that id here, or it cannot be read.
            MissingExtra: if Minari is not installed.
        """
        self.name = KIND + dataset
        minari = _minari(f"reading {self.name}")
        try:
            self._data = minari.load_dataset(dataset)
            own = self._data.storage.metadata.get(OWN)
        except FileNotFoundError as error:
            raise UserError(
                f"there is no dataset {self.name} in {_root()}: `minari list local` names those that are there, and "
                "`minari download` fetches a public one"
            ) from error
        except (ImportError, ValueError, KeyError, AssertionError, OSError, gymnasium.error.Error) as error:
            raise UserError(f"{self.name} cannot be read: {error}") from error
        self.observation_space, self._convert = in_one_form(self._data.observation_space, self.name)
        self.action_space = self._data.action_space
        with about(self.name):
            self._codec = codec(self.action_space)
        self.records = int(self._data.total_steps) + int(self._data.total_episodes)
        self.remarks: Sequence[str]
        self.env, self.remarks = _environment(self._data.env_spec, own)

    def episodes(self) -> Iterator[Recording]:
        """All, in the dataset's order.

        Raises:
            UserError: if one cannot be read, or lacks its last observation.
        """
        try:
            yield from self._episodes()
        except UserError:
            raise
        except (ValueError, KeyError, AssertionError, OSError) as error:
            raise UserError(f"{self.name} cannot be read: {error}; download or export it again") from error

    def _episodes(self) -> Iterator[Recording]:
        none = no_action(self._codec)
        for episode in self._data.iterate_episodes():
            steps = len(episode.rewards)
            seen = [self._convert(x) for x in _each(episode.observations)]
            if len(seen) != steps + 1:
                raise UserError(
                    f"{self.name} has {len(seen)} observations for {steps} steps in its episode {episode.id}, and not "
                    "one more: it cannot be told what followed the last action; leave the episode out"
                )
            actions = np.asarray(episode.actions).reshape(steps, *self._codec.shape)
            flags = np.arange(steps + 1) == 0
            yield Recording(
                {PREFIX + key: np.stack([x[key] for x in seen]) for key in self.observation_space.spaces}
                | {
                    "action": np.concatenate([none, actions.astype(self._codec.dtype)]),
                    "reward": np.concatenate([[0.0], episode.rewards]).astype(np.float32),
                    "first": flags,
                    "terminal": np.concatenate([[False], episode.terminations]).astype(np.bool_),
                },
                ended=bool(steps) and bool(episode.terminations[-1] or episode.truncations[-1]),
            )


@dataclass
class Written:
    """What a dataset has got, and what it has not.

    Attributes:
        path: its folder.
        episodes, steps: that it holds.
        running: of the episodes, those that had not ended; they are marked as truncated.
        unbegun: those whose beginning was not kept; they begin later.
        left_out: episodes of one observation, without a step.
    """

    path: Path
    episodes: int = 0
    steps: int = 0
    running: int = 0
    unbegun: int = 0
    left_out: int = 0


def write(
    dataset: str,
    recordings: Iterable[Recording],
    observations: gymnasium.spaces.Dict,
    actions: gymnasium.Space,
    env: EnvConfig,
    spec: EnvSpec | None,
    words: tuple[str, str],
) -> Written:
    """Write episodes as a new dataset, without loss: images as they are, not as JPEG.

    Args:
        dataset: its id, such as pendulum/dreamer-v0.
        recordings: the episodes.
        observations: their space.
        actions: their actions' space.
        env: the environment that they were collected in; the dataset keeps it for `reverie fit`.
        spec: what makes that environment in Gymnasium, where it does.
        words: the dataset's algorithm and its description.

    Raises:
        UserError: if the id is none or is taken, a key has a '/', or the dataset cannot be written.
        MissingExtra: if Minari is not installed.
    """
    minari = _minari(f"writing {KIND}{dataset}")
    if nested := [key for key in observations.spaces if "/" in key]:
        raise UserError(
            f"{KIND}{dataset} cannot be written: its files take a '/' in an observation's key for a folder, and "
            f"there is '{nested[0]}'; rename it by a wrapper"
        )
    written = Written(_free(dataset))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it would have an author, an address and a link to code
            made = minari.create_dataset_from_buffers(
                dataset,
                cast(list, _buffers(recordings, observations, written)),  # it is only walked through
                env=spec,
                observation_space=alone(observations),
                action_space=actions,
                algorithm_name=words[0],
                description=words[1],
                jpeg_encoding=False,
            )
        if not written.episodes:
            raise UserError(f"{KIND}{dataset} would hold no step: what was collected has only begun")
        made.storage.update_metadata({OWN: asdict(env)})
    except BaseException as error:
        shutil.rmtree(written.path, ignore_errors=True)
        if isinstance(error, OSError | ImportError | NotImplementedError):
            raise UserError(f"{KIND}{dataset} cannot be written: {error}") from error
        raise
    return written


def _buffers(recordings: Iterable[Recording], space: gymnasium.spaces.Dict, written: Written) -> Iterator[Any]:
    """The episodes as Minari takes them; counts them."""
    from minari.data_collector import EpisodeBuffer

    bare = alone(space) is not space
    for recording in recordings:
        steps = len(recording) - 1
        if not steps:
            written.left_out += 1
            continue
        written.episodes, written.steps = written.episodes + 1, written.steps + steps
        written.running += not recording.ended
        written.unbegun += not recording.begun
        columns = recording.columns
        seen = {key: columns[PREFIX + key] for key in space.spaces}
        terminations = columns["terminal"][1:]
        truncations = np.zeros(steps, np.bool_)
        truncations[-1] = not terminations[-1]
        arrays: dict[str, Any] = {
            "observations": next(iter(seen.values())) if bare else seen,
            "actions": columns["action"][1:],
            "rewards": columns["reward"][1:],
            "terminations": terminations,
            "truncations": truncations,
        }
        yield EpisodeBuffer(**arrays)


def _environment(spec: Any, own: dict[str, Any] | None) -> tuple[EnvConfig | None, tuple[str, ...]]:
    """The environment of a dataset, where it names one, and what should be known about it."""
    if own is not None:
        known = {field.name for field in fields(EnvConfig)}
        return EnvConfig(**{name: value for name, value in own.items() if name in known}), ()
    if spec is None:
        return None, ()
    kwargs = {name: value for name, value in spec.kwargs.items() if name != "render_mode"}
    remark = f"it was recorded in {spec.id} with {kwargs}, which gym:{spec.id} is made without: {', '.join(kwargs)}"
    return EnvConfig(env=f"gym:{spec.id}"), (remark,) if kwargs else ()


def _each(observations: Any) -> Iterator[Any]:
    """The observations "T ..." of a space of any kind, one after the other."""
    if isinstance(observations, dict):
        for values in zip(*map(_each, observations.values()), strict=True):
            yield dict(zip(observations, values, strict=True))
    elif isinstance(observations, tuple):
        yield from zip(*map(_each, observations), strict=True)
    else:
        yield from observations


def _minari(purpose: str) -> Any:
    for package in ("h5py", "minari"):
        try:
            module = import_module(package)
        except ImportError as error:
            raise MissingExtra(package, "minari", purpose) from error
    return module


def _root() -> Path:
    from minari.storage import get_dataset_path

    return get_dataset_path()


def _free(dataset: str) -> Path:
    """The folder of a dataset that is not there yet."""
    from minari.dataset.minari_dataset import parse_dataset_id

    try:
        parse_dataset_id(dataset)
    except (ValueError, TypeError) as error:
        raise UserError(
            f"{KIND}{dataset} is no name of a dataset: it should read NAME-vNUMBER, or NAMESPACE/NAME-vNUMBER, as in "
            f"{KIND}pendulum/dreamer-v0"
        ) from error
    path = _root() / dataset
    if path.exists():
        raise UserError(f"the dataset {KIND}{dataset} exists already in {_root()}; choose another name or version")
    return path
