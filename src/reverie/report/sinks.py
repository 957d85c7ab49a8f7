"""Who is shown the scalars of a run beside its log: TensorBoard always, Weights & Biases where the run names a project.

A sink is a view by environment frames, or by updates. The log is the record, and no sink is ever read.
"""

import contextlib
import importlib
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from reverie.errors import MissingExtra, UserError
from reverie.report.write import write_text

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


Axis = Literal["frames", "updates"]
"""What scalars are shown against."""


class Sink(Protocol):
    """Is shown the scalars of each line."""

    def show(self, scalars: Mapping[str, float], place: int) -> None:
        """The scalars at a place of the axis."""
        ...

    def forget(self, place: int) -> None:
        """The run was cut back: what was shown from there on comes again."""
        ...

    def close(self) -> None:
        """Nothing more comes; closing twice does no harm."""
        ...


class TensorBoard:
    """Event files in a folder, made when the first scalar comes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: SummaryWriter | None = None
        self._purge_step: int | None = None

    def show(self, scalars: Mapping[str, float], place: int) -> None:
        """Add them as scalars at that step."""
        if self._writer is None:
            # Imported here because it takes a second, which nobody who only reads a log should wait for.
            from torch.utils.tensorboard import SummaryWriter

            self._writer = SummaryWriter(str(self._folder), purge_step=self._purge_step, flush_secs=30)
        for name, value in scalars.items():
            self._writer.add_scalar(name, value, place)

    def forget(self, place: int) -> None:
        """Event files are only ever appended to: the next one tells readers what to drop of those before it."""
        self.close()
        self._purge_step = place

    def close(self) -> None:
        """Close the event file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


class WeightsAndBiases:
    """A run of Weights & Biases; offline with WANDB_MODE=offline.

    Its id is kept in the run's folder, so that a resumed run goes on in the same one. What it was shown it cannot
    forget: lines that come again after a resume are there twice.

    Raises:
        MissingExtra: the package is not installed.
        UserError: it cannot begin a run, as without an account.
    """

    def __init__(self, project: str, folder: Path, config: Mapping[str, Any], axis: Axis = "frames") -> None:
        wandb, self._axis = _wandb(), axis
        kept = folder / "wandb-id"
        if not kept.exists():
            write_text(kept, secrets.token_hex(4))
        try:
            self._run: Any = wandb.init(
                project=project,
                name=folder.name,
                id=kept.read_text(),
                resume="allow",
                dir=str(folder),
                config=dict(config),
                # The terminal is Reverie's, and the run's folder knows the commit already.
                settings=wandb.Settings(silent=True, console="off", disable_git=True),
            )
        except wandb.Error as error:
            reason = str(error).strip().partition("\n")[0]
            raise UserError(
                f"Weights & Biases cannot begin a run in the project '{project}' ({reason}): "
                "log in with `wandb login`, or set WANDB_MODE=offline and send it later with `wandb sync`"
            ) from error
        # Its own step must only grow, and a resumed run goes back.
        self._run.define_metric("*", step_metric=axis)

    def show(self, scalars: Mapping[str, float], place: int) -> None:
        """Log them with their place, the horizontal axis."""
        self._run.log({self._axis: place, **scalars})

    def forget(self, place: int) -> None:
        """Nothing can be taken back."""

    def close(self) -> None:
        """End the run, after what is left was sent."""
        if self._run is not None:
            self._run.finish()
            self._run = None


def sinks_of(folder: Path, axis: Axis = "frames") -> list[Sink]:
    """The sinks that the configuration in a run's folder asks for, by that axis; TensorBoard alone where there is none.

    Raises:
        UserError: if one of them cannot be opened.
    """
    sinks: list[Sink] = [TensorBoard(folder / "tensorboard")]
    config: dict[str, Any] = {}
    with contextlib.suppress(FileNotFoundError):
        config = json.loads((folder / "config.json").read_text())
    project = config.get("config", {}).get("train", {}).get("wandb", "")
    if project:
        sinks.append(WeightsAndBiases(project, folder, config, axis))
    return sinks


def check_sinks(project: str) -> None:
    """Before anything is built: see that what the sinks need is there.

    Raises:
        MissingExtra: for a project of Weights & Biases without its package.
    """
    if project:
        _wandb()


def _wandb() -> Any:
    try:
        return importlib.import_module("wandb")
    except ModuleNotFoundError as error:
        raise MissingExtra("wandb", "wandb", "--wandb") from error
