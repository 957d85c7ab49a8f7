"""Where dreams begin."""

import torch
from torch import Tensor

from reverie.types import Batch


def choose_starts(batch: Batch, number: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Rows and steps "N" of a batch, drawn without repeats; number 0, or more than there are, takes all of them."""
    rows, time = batch.first.shape
    device = batch.first.device
    if number <= 0 or number >= rows * time:
        chosen = torch.arange(rows * time, device=device)
    else:
        chosen = torch.randperm(rows * time, generator=generator, device=device)[:number]
    return torch.div(chosen, time, rounding_mode="floor"), chosen % time
