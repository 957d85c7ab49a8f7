"""A probe: a decoder that draws what a world knows, learned afterwards and beside it.

A world that learned from state, or without a decoder, has pictures by it as well. It reads finished features: no
gradient of it reaches the world, and nothing that the world or the agent learned depends on it.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from reverie.errors import UserError
from reverie.nets.cnn import CNNConfig, ImageDecoder
from reverie.report.write import aside
from reverie.types import Features

NAME = "probe.safetensors"


@dataclass(frozen=True, kw_only=True)
class ProbeConfig:
    """A decoder of square pictures in colour, and how it learns."""

    side: int = 64
    """of the pictures"""
    depth: int = 8
    """channels before the last convolution"""
    updates: int = 1_500
    """of the decoder"""
    batch: int = 64
    """pictures in each"""
    lr: float = 1e-3
    """learning rate"""

    def __post_init__(self) -> None:
        for name in ("side", "depth", "updates", "batch"):
            if getattr(self, name) < 1:
                raise UserError(f"--{name} must be at least 1, not {getattr(self, name)}")
        if self.side % 16:
            raise UserError(f"--side must be divisible by 16, not {self.side}")


class Probe(nn.Module):
    """Features, h and z, to pictures."""

    def __init__(self, config: ProbeConfig, features: int) -> None:
        super().__init__()
        self.config = config
        self._decoder = ImageDecoder(CNNConfig(depth=config.depth), features, 3, config.side, config.side)

    def forward(self, features: Features) -> Float[Tensor, "*B H W 3"]:
        """The pictures, in [0, 1] but for errors."""
        x = features.read("hz").float()
        drawn = self._decoder(x.reshape(-1, x.shape[-1])).permute(0, 2, 3, 1)
        return drawn.reshape(*x.shape[:-1], *drawn.shape[1:])

    def save(self, folder: Path) -> Path:
        """Write it into a run's folder, whole or not at all."""
        path = folder / NAME
        weights = {name: x.detach().cpu().contiguous() for name, x in self.state_dict().items()}
        with aside(path) as partial:
            save_file(weights, partial, {"config": json.dumps(asdict(self.config))})
        return path


def load_probe(folder: Path, features: int, device: torch.device) -> Probe | None:
    """The probe in a run's folder; None where there is none.

    Raises:
        UserError: if it cannot be read, or is that of another world.
    """
    path = folder / NAME
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            probe = Probe(ProbeConfig(**json.loads((file.metadata() or {})["config"])), features)
            probe.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 (no mapping)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        cure = f"make it again: reverie probe {folder}"
        raise UserError(f"the probe {path} cannot be read: {str(error).splitlines()[0]}; {cure}") from error
    return probe.to(device).eval()
