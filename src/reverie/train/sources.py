"""Where recorded episodes are found: in the folders of runs, and in Minari datasets."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import gymnasium

from reverie.data.recording import Recording, Source, recordings
from reverie.envs.codec import codec
from reverie.envs.make import EnvConfig
from reverie.envs.observation import SCREEN
from reverie.errors import UserError
from reverie.train import checkpoint
from reverie.train.folder import RunFolder


class RunSource:
    """The replay of one of Reverie's own runs."""

    def __init__(self, name: str) -> None:
        """name: the run's folder.

        Raises:
            UserError: if it holds no run, or no checkpoint, or its environment cannot be made.
        """
        self.name = name
        self.remarks: Sequence[str] = ()
        self._folder = RunFolder(Path(name))
        self._resolved = self._folder.resolved()
        _, progress = checkpoint.read(self._folder.checkpoint)
        try:
            self.records = sum(int(stream["total"]) for stream in progress["replay"])
            self._done = [bool(done) for done in progress["collector"]["done"]]
        except (KeyError, TypeError) as error:
            raise UserError(f"the checkpoint {self._folder.checkpoint} knows of no replay") from error
        if self._resolved.offline:
            self.remarks = (
                "it was fitted itself, and does not know which of its episodes had ended; its own data does",
            )
        # Side by side they only collected.
        self.env: EnvConfig | None = replace(self._resolved.config.env, num_envs=1, vector="sync")
        made = self.env.make(training=True)
        try:
            assert isinstance(made.observation_space, gymnasium.spaces.Dict)
            self.observation_space, self.action_space = made.observation_space, made.action_space
            own = made.unwrapped.spec
        finally:
            made.close()
        # Where Gymnasium itself would make what was seen: no spec makes what a suite shows of a screen.
        plain = self.env == EnvConfig(env=self.env.env) and not made.metadata.get(SCREEN)
        self.spec = gymnasium.registry.get(own.id) if own is not None and plain else None

    @property
    def preset(self) -> str:
        """Who collected it."""
        return self._resolved.preset

    def episodes(self) -> Iterator[Recording]:
        """All that its checkpoint knows of, stream by stream."""
        actions = codec(self.action_space)
        replay = self._folder.experience(self._resolved, self.observation_space, actions)
        return recordings(replay, actions, self._done)


def _minari(name: str) -> Source:
    from reverie.data.minari import MinariSource  # an extra

    return MinariSource(name)


SOURCES: dict[str, Callable[[str], Source]] = {"minari": _minari}
"""What the word before a colon names; all else is a run's folder."""


def open_source(name: str) -> Source:
    """What `--data` names.

    Raises:
        UserError: if there is no such thing, or it cannot be read.
        MissingExtra: if a package is not installed.
    """
    kind, _, rest = name.partition(":")
    if kind in SOURCES:
        return SOURCES[kind](rest)
    if not RunFolder(Path(name)).config.exists():
        known = " or ".join(f"{kind}:NAME" for kind in SOURCES)
        raise UserError(f"--data {name} holds no run: name the folder that `reverie train` wrote, or {known}")
    return RunSource(name)
