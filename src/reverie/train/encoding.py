"""What a world makes of all observations that a replay holds, once, for many updates to read."""

import numpy as np
import torch

from reverie.data.replay import Replay
from reverie.world.vision_memory import STORED, posterior_of
from reverie.world.world import World

BLOCK = 1024
"""Records that are encoded at once."""


@torch.no_grad()
def encode_once(world: World, replay: Replay, device: torch.device) -> None:
    """Attach to each record the parameters of q that the world's V gives for it (World Models: mu and sigma)."""
    columns = []
    for stream, first in enumerate(replay.whole("first")):
        blocks = []
        for start in range(0, len(first), BLOCK):
            end = min(start + BLOCK, len(first))
            batch = replay.until([stream], [end - 1], end - start).to(device)
            blocks.append(posterior_of(world, world.preprocess(batch.observation))[0].float().cpu().numpy())
        columns.append(np.concatenate(blocks))
    replay.attach(STORED, columns)
