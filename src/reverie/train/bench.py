"""Measurements: how long an update takes, where the time goes, and how near the arithmetic limit it is."""

import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import gymnasium
import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from reverie.agents.build import build, build_replay
from reverie.agents.config import Config
from reverie.agents.parts import Parts
from reverie.agents.program import Program, Stage
from reverie.data.collect import Collector, RandomAct
from reverie.envs.make import make_vector
from reverie.errors import UserError
from reverie.train.compiled import compile_hot
from reverie.train.graphs import WARM
from reverie.train.learner import Learner
from reverie.types import Features
from reverie.world.imagine import imagine

T = TypeVar("T")


@dataclass(frozen=True)
class Measurement:
    """Medians of one configuration on one machine."""

    update_ms: float
    world_ms: float
    behaviour_ms: float
    data_ms: float
    environment_ms: float
    """per agent step"""
    act_ms: float
    """at batch 1"""
    dreamed_steps_per_second: float
    """without gradients"""
    gflop: float
    """per update, by torch's counter"""
    gflop_per_second: float
    matmul_gflop_per_second: float
    """of a large matrix product in the same precision, measured in the same run"""
    peak_mib: float | None

    @property
    def share(self) -> float:
        """Of the matrix product's rate that the update reaches."""
        return self.gflop_per_second / self.matmul_gflop_per_second


SYNCHRONISE: dict[str, Callable[[torch.device], None]] = {
    "cuda": torch.cuda.synchronize,
    "mps": lambda device: torch.mps.synchronize(),
}
"""How to wait for a device; the CPU is waited for anyway."""


def median_ms(function: Callable[[], Any], device: torch.device, repeats: int, warm: int = 2) -> float:
    """The median duration of a call in milliseconds."""
    times = []
    for index in range(warm + repeats):
        begin = time.perf_counter()
        function()
        if device.type in SYNCHRONISE:
            SYNCHRONISE[device.type](device)
        if index >= warm:
            times.append(1e3 * (time.perf_counter() - begin))
    return statistics.median(times)


def alone(measure: Callable[..., T], *arguments: Any) -> T:
    """What a function finds in a process of its own, whose peak memory is its own too; it must be importable."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
        return fresh.submit(measure, *arguments).result()


def matmul_rate(device: torch.device, dtype: torch.dtype, size: int = 2048) -> float:
    """GFLOP per second of a square matrix product."""
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    return 2 * size**3 / median_ms(lambda: a @ b, device, 7) / 1e6


def joint_stage(program: Program) -> Stage:
    """The first stage in which world and behaviour learn together.

    Raises:
        UserError: if there is none.
    """
    for stage in program:
        if stage.groups and stage.behave:
            return stage
    raise UserError(
        "world and behaviour learn in stages of their own, and bench measures an update of both; "
        "`reverie train PRESET --dry-run` measures one of each stage"
    )


def measure(config: Config, parts: Parts, program: Program, device: torch.device, repeats: int) -> Measurement:
    """Measure a configuration on random experience of its environment."""
    train = config.train
    envs = make_vector([config.env.make] * config.env.num_envs, config.env.vector)
    try:
        spaces = envs.single_observation_space, envs.single_action_space
        assert isinstance(spaces[0], gymnasium.spaces.Dict)
        agent = build(config, parts, *spaces).to(device)
        codec = agent.codec
        replay = build_replay(config, spaces[0], codec)
        rng = np.random.default_rng(0)
        collector = Collector(envs, codec, replay)
        collector.collect(8 * train.length, RandomAct(codec, rng))
        stage = joint_stage(program)
        generator = torch.Generator(device).manual_seed(0)
        learner = Learner(agent, program, generator, train.precision, graphs=train.graphs)
        batch = replay.sample(train.batch, rng).to(device)
        with FlopCounterMode(display=False) as counter:
            learner.update(stage, batch)
        if train.compile:  # afterwards: what has run while operations were counted is never compiled again
            compile_hot(agent)
        step = RandomAct(codec, rng)
        split = _split(learner, stage, batch, device, repeats)
        data = median_ms(lambda: replay.sample(train.batch, rng).to(device), device, repeats)
        environment = median_ms(lambda: collector.collect(20, step), device, repeats) / 20
    finally:
        envs.close()
    gflop = counter.get_total_flops() / 1e9
    dtype = torch.bfloat16 if train.precision == "bfloat16" else torch.float32
    return Measurement(
        **split,
        data_ms=data,
        environment_ms=environment,
        act_ms=act_ms(agent, spaces[0], device),
        dreamed_steps_per_second=_dreams(learner, batch, device, repeats),
        gflop=gflop,
        gflop_per_second=gflop / split["update_ms"] * 1e3,
        matmul_gflop_per_second=matmul_rate(device, dtype),
        peak_mib=peak_mib(device),
    )


def _split(learner: Learner, stage: Stage, batch: Any, device: torch.device, repeats: int) -> dict[str, float]:
    """World and behaviour apart, as the learner does them, and a whole update."""
    groups = tuple(group for group in stage.groups if any(name.startswith("world") for name in group.modules))
    world_only = replace(stage, name=f"{stage.name}, world alone", behave=False, groups=groups)
    warm = WARM + 2
    whole = median_ms(lambda: learner.update(stage, batch), device, repeats, warm)
    world = median_ms(lambda: learner.update(world_only, batch), device, repeats, warm)
    return {"update_ms": whole, "world_ms": world, "behaviour_ms": whole - world}


def act_ms(
    agent: Any, space: gymnasium.spaces.Dict, device: torch.device, *, repeats: int = 200, rows: int = 1
) -> float:
    """The median duration of a choice of the agent in milliseconds, for that many environments at once."""
    observation: Mapping[str, np.ndarray] = {k: np.zeros((rows, *box.shape), box.dtype) for k, box in space.items()}  # type: ignore[misc]
    zero = first = np.zeros(rows, np.float32)
    generator = torch.Generator(device).manual_seed(0)
    carry = agent.initial(rows)
    warm = repeats // 10

    def act() -> None:
        agent.act(observation, zero, first, carry, "explore", generator)

    return median_ms(act, device, repeats, warm=warm)


def _dreams(learner: Learner, batch: Any, device: torch.device, repeats: int) -> float:
    agent, generator = learner.agent, learner.generator
    with torch.no_grad():
        experience, _ = agent.objective(agent.world, batch, agent.world.initial(len(batch.first)), generator)
    assert experience is not None, agent.objective
    rows, steps = batch.first.shape
    index = torch.arange(rows * steps, device=device)
    start = agent.world.dynamics.start(experience.trace, index // steps, index % steps)
    size, horizon = agent.codec.size, 15
    actor = getattr(agent.behaviour, "actor", None)

    def policy(features: Features) -> torch.Tensor:
        if actor is None:  # what a planner tries
            return torch.rand(len(features.deter), size, generator=generator, device=device)
        return actor.draw(features, generator)[0]

    def dream() -> None:
        imagine(agent.world, policy, start, horizon, pathwise=False, generator=generator)

    return rows * steps * horizon / median_ms(dream, device, max(3, repeats // 3)) * 1e3


def peak_mib(device: torch.device) -> float | None:
    """The most memory that was in use, in MiB: of the device on CUDA, of the process elsewhere; None if not known."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
