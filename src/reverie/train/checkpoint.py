"""Checkpoints: safetensors for what is a tensor, JSON for the rest, and no pickle anywhere."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from reverie.agents.agent import Agent
from reverie.errors import UserError
from reverie.report.write import aside, write_json

FORMAT = 1


def save(folder: Path, agent: Agent, optimisers: Mapping[str, Any], progress: Mapping[str, Any]) -> None:
    """Write weights, optimisers' moments and progress; each file is written aside and renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"agent.{name}": x.detach().cpu().contiguous() for name, x in agent.state_dict().items()}
    for name, optimiser in optimisers.items():
        for index, moments in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{name}.{index}.{key}": x.detach().cpu().contiguous() for key, x in moments.items()}
    with aside(folder / "agent.safetensors") as path:
        save_file(tensors, path)
    write_json(folder / "progress.json", {"format": FORMAT, **progress})


def load(folder: Path, agent: Agent) -> dict[str, Any]:
    """Load the weights into an agent of the same configuration.

    Returns:
        What `save` was given as progress.

    Raises:
        UserError: if there is no checkpoint, or it does not fit the agent.
    """
    path = folder / "agent.safetensors"
    if not path.exists():
        raise UserError(f"no checkpoint in {folder}; a run writes its first one at its first evaluation")
    try:
        tensors = load_file(path)
        progress = json.loads((folder / "progress.json").read_text())
        if not isinstance(progress, dict):
            raise ValueError("progress.json holds no object")
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"the checkpoint in {folder} cannot be read: {error}") from error
    if progress.get("format") != FORMAT:
        raise UserError(f"the checkpoint in {folder} has format {progress.get('format')}, this version reads {FORMAT}")
    weights: dict[str, Tensor] = {n.removeprefix("agent."): x for n, x in tensors.items() if n.startswith("agent.")}
    try:
        agent.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip()
        raise UserError(f"the checkpoint in {folder} does not fit its configuration: {reason:.200}") from error
    return progress
