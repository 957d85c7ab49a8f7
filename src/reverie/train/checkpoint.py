"""Checkpoints: one safetensors file, with the rest as JSON in its header, and no pickle anywhere.

One file, written aside and renamed, is either the last checkpoint or the next one, whatever happens in between.
"""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from reverie.agents.agent import Agent
from reverie.errors import UserError
from reverie.report.write import aside, plain

FORMAT = 2
AGENT = "agent."


def save(path: Path, tensors: Mapping[str, Tensor], progress: Mapping[str, Any]) -> None:
    """Write tensors and progress.

    Raises:
        UserError: if the disk is full or the file cannot be written; the last checkpoint is as it was.
    """
    # Copies: parts of an agent's state may share their memory, which the format does not know.
    own = {name: x.detach().cpu().clone().contiguous() for name, x in tensors.items()}
    header = {"format": str(FORMAT), "progress": json.dumps(plain(progress), allow_nan=False)}
    try:
        with aside(path) as partial:
            save_file(own, partial, header)
    except (OSError, SafetensorError) as error:
        raise UserError(
            f"the checkpoint {path} cannot be written ({error}); the one before it is whole, if there was one: make "
            f"room, then go on with: reverie resume {shlex.quote(str(path.parent.parent))}"
        ) from error


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `save` wrote.

    Raises:
        UserError: if there is no checkpoint, it cannot be read, or another version wrote it.
    """
    if not path.exists():
        raise UserError(f"no checkpoint {path}; a run writes its first one at the end of its first stage")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            if header.get("format") != str(FORMAT):
                raise UserError(
                    f"the checkpoint {path} has format {header.get('format')}, and this version of Reverie reads "
                    f"{FORMAT}: load it with the version in the run's versions.json"
                )
            progress = json.loads(header["progress"])
            if not isinstance(progress, dict):
                raise ValueError("its progress is no object")
            return {name: file.get_tensor(name) for name in file.keys()}, progress  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            f"the checkpoint {path} cannot be read: {error}; put back a copy of it, or train again"
        ) from error


def load_agent(agent: Agent, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Put a checkpoint's weights into an agent of the same configuration.

    Raises:
        UserError: if they do not fit.
    """
    weights = {name.removeprefix(AGENT): x for name, x in tensors.items() if name.startswith(AGENT)}
    try:
        agent.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip()
        raise UserError(
            f"the checkpoint {path} does not fit its configuration: {reason:.200}; "
            "put back the config.json that it was written with"
        ) from error
