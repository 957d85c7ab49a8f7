"""A dict of an image and a vector, and two choices at once: small agents run there, and DreamerV3 learns to use all."""

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest
from running import run
from signs import BEST, BLIND, ONE_EYED
from tiny import tiny

from reverie.agents.dreamerv3 import DREAMERV3 as PUBLISHED
from reverie.agents.resolve import Resolved
from reverie.latent.categorical import CategoricalConfig
from reverie.nets.cnn import CNNConfig
from reverie.nets.mlp import MLPConfig
from reverie.nets.optimiser import OptimiserConfig

SIGNS = "py:signs:signs"
SMALL: dict[type, dict[str, Any]] = {
    MLPConfig: {"layers": 1, "units": 64},
    CNNConfig: {"depth": 4, "stages": 3, "multipliers": (1, 2, 2), "kernel": 4},
    OptimiserConfig: {"lr": 4e-3, "warmup": 50},
}
RUN = {"steps": 2000, "prefill": 400, "pretrain": 200, "train_every": 2, "batch": 8, "length": 9}


def shrunk(config: Any) -> Any:
    """The same configuration with small networks and large steps."""
    if not is_dataclass(config):
        return config
    values = {field.name: shrunk(getattr(config, field.name)) for field in fields(config)}
    return replace(config, **values | SMALL.get(type(config), {}))


def small(seed: int) -> Resolved:
    """DreamerV3's published recipe but for sizes, short dreams, a short discount and more entropy."""
    resolved = tiny("dreamerv3", SIGNS, scale="1m", seed=seed, **RUN | {"eval_every": 2000, "eval_episodes": 20})
    config = PUBLISHED.config(resolved.config.env, "1m")
    parts = {
        field.name: shrunk(getattr(config, field.name))
        for field in fields(config)
        if field.name not in ("env", "train")
    }
    parts |= {
        "backbone": replace(config.backbone, units=64, hidden=32),
        "latent": CategoricalConfig(groups=8, classes=4),
        "behaviour": replace(parts["behaviour"], horizon=4, starts=32, gamma=0.9, entropy=1e-2),
    }
    return replace(resolved, config=replace(resolved.config, **parts))


@pytest.mark.parametrize("preset", ["dreamer", "dreamerv2", "dreamerv3", "rssm-continuous", "rssm-discrete"])
def test_a_small_agent_runs_there(preset, tmp_path):
    done = run(tiny(preset, SIGNS), tmp_path / "run")
    last = done.evaluations()[-1]
    assert 0 <= last["eval/return"] <= BEST
    assert {"loss/observation/image", "loss/observation/sign"} <= set().union(*done.metrics)
    assert all(np.isfinite(x).all() for x in last["eval/returns"])


def test_it_learns_to_look_at_both_and_to_choose_twice(tmp_path):
    done = run(small(seed=0), tmp_path / "run")
    returns = [line["eval/return"] for line in done.evaluations()]
    # Whoever uses one of the two observations alone gets no more than ONE_EYED.
    assert BLIND < ONE_EYED < 7 < returns[-1]
