"""What a run will be before it begins: what can be counted, and what has to be measured."""

import math
import time
from dataclasses import dataclass, replace

import gymnasium
import numpy as np

from reverie.agents.program import Stage, count_frames, count_updates, updates_of_stages
from reverie.agents.resolve import Resolved
from reverie.data.collect import RandomAct, columns_of
from reverie.envs.probe import episode_limit
from reverie.train.bench import act_ms, median_ms, peak_mib
from reverie.train.device import free_memory_mib
from reverie.train.encoding import encode_once
from reverie.train.trainer import Trainer

SCALARS_BYTES = 6
"""Of a record beside its observation and its action: a float32 reward and two flags."""


@dataclass(frozen=True)
class Plan:
    """What follows from the configuration, the spaces and the size of what is recorded alone.

    Attributes:
        frames: of the environment, none where all is recorded.
        steps: of the agent, or recorded.
        updates: in all.
        replay_mib: held at the end.
        cap_mib: what the replay may hold at most.
        live: whether more updates are made while somebody acts, as many as there is time for.
    """

    frames: int
    steps: int
    updates: int
    replay_mib: float
    cap_mib: float
    live: bool = False

    def __str__(self) -> str:
        full = " (full: the oldest are dropped)" if self.replay_mib >= self.cap_mib else ""
        frames = f"{self.frames:,} frames, " if self.frames else ""
        more = " and those that there is time for while it acts" if self.live else ""
        replay = f"replay {self.replay_mib:,.1f} of {self.cap_mib:,g} MiB at the end{full}"
        return f"{frames}{self.updates:,} updates{more}, {replay}"


@dataclass(frozen=True)
class Speed:
    """What was measured, in milliseconds.

    Attributes:
        step: one agent step in one environment, as fast as it goes.
        act: one choice of the agent, for one environment.
        choose: one choice in an evaluation, for all of its episodes.
        updates: one update of each learning stage, by the stage's name.
        peak_mib: memory of the process (of the device, on CUDA) at its highest; None where the system does not say.
    """

    step: float
    act: float
    choose: float
    updates: dict[str, float]
    peak_mib: float | None


def plan(resolved: Resolved, trainer: Trainer) -> Plan:
    """Count frames, updates and bytes, without a step and without a draw."""
    env, train = resolved.config.env, resolved.config.train
    space = trainer.envs.single_observation_space
    record = SCALARS_BYTES + sum(column.bytes for column in columns_of(space, trainer.agent.codec).values())
    frames = count_frames(trainer.program)
    steps = math.ceil(frames / env.action_repeat) or len(trainer.replay) or trainer.recorded.records
    held = min(steps * record / 2**20, train.replay_mib)
    updates = count_updates(trainer.program, env.action_repeat)
    live = any(stage.live for stage in trainer.program)
    return Plan(frames, steps, updates, held, train.replay_mib, live)


def measure(trainer: Trainer, steps: int = 24, repeats: int = 2) -> Speed:
    """Time some steps and some updates of a trainer that is not used for anything else.

    Args:
        trainer: is changed: it steps its environments, fills its replay and learns.
        steps: agent steps to time. The rest of what an update reads is made up of copies of them.
        repeats: updates of each learning stage to time, after one to warm up.
    """
    agent, train, device = trainer.agent, trainer.config.train, trainer.agent.device
    rng, streams = np.random.default_rng(0), trainer.config.env.num_envs
    random = RandomAct(agent.codec, rng)
    if trainer.config.env.rate:
        trainer.envs.set_attr("period", [0.0] * streams)  # pyright: ignore[reportAttributeAccessIssue]
    records = trainer.collector.collect(1, random)  # the first reset, and what is only ready after a first step
    before, begin = trainer.collector.steps, time.perf_counter()
    records += trainer.collector.collect(steps, random)
    step = 1e3 * (time.perf_counter() - begin) / (trainer.collector.steps - before)
    for _ in range(train.records):
        trainer.replay.add(records[-1])

    def update(stage: Stage) -> float:
        if stage.encode:
            encode_once(agent.world, trainer.replay, device)
        return median_ms(lambda: trainer.learner.update(stage, trainer.batch(stage)), device, repeats, warm=1)

    # A generation that plays in the environment may take an hour.
    learning = {stage.name: stage for stage in trainer.program if stage.learns and stage.arena == "dream"}
    updates = {name: update(stage) for name, stage in learning.items()}
    space = trainer.envs.single_observation_space
    assert isinstance(space, gymnasium.spaces.Dict)
    act = act_ms(agent, space, device, repeats=20, rows=streams) / streams
    choose = act_ms(agent, space, device, repeats=10, rows=train.eval_episodes) if train.eval_episodes else 0.0
    return Speed(step, act, choose, updates, peak_mib(device))


def minutes(trainer: Trainer, speed: Speed) -> tuple[float, float | None]:
    """Minutes of training and of evaluations; None for evaluations whose length no environment tells."""
    env, train = trainer.config.env, trainer.config.train
    learning, acting, frames = 0.0, 0.0, 0
    updates = updates_of_stages(trainer.program, env.action_repeat)
    for index, stage in enumerate(trainer.program):
        # Environments that keep a pace wait for their tick anyway: an update costs what goes beyond it.
        taken, tick, update = 0.0, 0.0, speed.updates.get(stage.name, 0.0)
        if stage.actor != "none" and stage.until.frames is not None:
            steps = max(0, stage.until.frames - frames) / env.action_repeat
            taken = speed.step + (speed.act if stage.actor == "behaviour" else 0.0)
            tick = 1e3 / env.rate / env.num_envs if env.rate else 0.0
            acting += steps * max(taken, tick)
            frames = max(frames, stage.until.frames)
        late = max(taken + update, tick) - max(taken, tick)
        learning += updates[index] * late
    length = _episode_steps(trainer) if train.eval_episodes else 0
    if length is None:
        return (learning + acting) / 6e4, None
    # The episodes of an evaluation are played side by side, and the agent chooses for all at once: awake, and once more
    # in dreams as long.
    # A live stage goes on meanwhile: the last one alone takes time of its own.
    waiting = [index for index, stage in enumerate(trainer.program) if not stage.live]
    evaluations = 1 + sum(_evaluations(trainer, index) for index in waiting)
    evaluating = evaluations * length * (train.eval_episodes * speed.step + 2 * speed.choose)
    return (learning + acting) / 6e4, evaluating / 6e4


def told(trainer: Trainer, counted: Plan) -> list[str]:
    """Lines about a run that will not happen: measured on a trainer that is not used for anything else."""
    speed = measure(trainer)
    training, evaluating = minutes(trainer, speed)
    update = ", ".join(f"{name} {ms:.1f} ms" for name, ms in speed.updates.items())
    evaluations = (
        "evaluations not counted, for no time limit is known"
        if evaluating is None
        else (f"and {evaluating:,.1f} of evaluations")
    )
    uncounted = [stage.name for stage in trainer.program if stage.arena == "real"]
    lines = [
        *(f"{name} plays in the environment, for how long is not known: it is not counted" for name in uncounted[:1]),
        f"about {training:,.1f} minutes of training, {evaluations}",
        f"  an agent step {speed.step:.2f} ms, a choice {speed.act:.2f} ms; an update: {update}",
    ]
    if speed.peak_mib is None:
        return lines
    need, free = speed.peak_mib + counted.replay_mib, free_memory_mib()
    lines.append(f"memory about {need:,.0f} MiB" + (f" of {free:,.0f} MiB free" if free is not None else ""))
    if free is not None and need > free:
        lines.append("  that is more than is free: lower --replay-mib or --num-envs")
    return lines


def evaluated(trainer: Trainer) -> str:
    """When the agent is evaluated."""
    train = trainer.config.train
    if not train.eval_episodes:
        return "no evaluation"
    when = [f"{stage.evaluate} updates of {stage.name}" for stage in trainer.program if stage.evaluate]
    return f"an evaluation of {train.eval_episodes} episodes every {[*when, f'{train.eval_every:,} frames'][0]}"


def _evaluations(trainer: Trainer, index: int) -> int:
    """How often one stage is evaluated; the end of the program is not counted."""
    train, stage = trainer.config.train, trainer.program[index]
    if stage.evaluate is None:
        learning = stage.learns and stage.until.frames is not None
        return (train.steps - 1) // train.eval_every - train.prefill // train.eval_every if learning else 0
    last = index + 1 == len(trainer.program)
    updates = updates_of_stages(trainer.program, trainer.config.env.action_repeat)[index] - last
    return updates // stage.evaluate if stage.evaluate else 0


def _episode_steps(trainer: Trainer) -> int | None:
    """Agent steps of a whole episode, as far as its limits are known."""
    env = trainer.config.env
    made = replace(env, episode_limit=0).make()
    try:
        own = episode_limit(made)
    finally:
        made.close()
    limits = [math.ceil(own / env.action_repeat)] if own else []
    return min(limits + [env.episode_limit] * bool(env.episode_limit), default=None)
