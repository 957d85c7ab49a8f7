"""The loop: it executes a program, stage by stage, and calls the report.

Its two halves, collecting and learning, meet in `supply`.
"""

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial

import numpy as np
import torch
from gymnasium import Space

from reverie.agents.agent import Agent, Carry
from reverie.agents.build import build, build_replay
from reverie.agents.program import Stage, axis_of
from reverie.agents.resolve import Resolved
from reverie.data.collect import Collector, RandomAct
from reverie.envs.make import make_vector
from reverie.envs.seeds import ARENA
from reverie.report.evaluate import Episode, Evaluator, metrics_of
from reverie.report.log import MetricLog
from reverie.report.open_loop import dreamed_returns
from reverie.report.pictures import SHOWN
from reverie.report.progress import Progress
from reverie.train import snapshot
from reverie.train.arena import Arena
from reverie.train.clock import Every, Stopwatch
from reverie.train.compiled import compile_hot
from reverie.train.device import choose_device, choose_threads
from reverie.train.encoding import encode_once
from reverie.train.environments import seeded
from reverie.train.folder import RunFolder
from reverie.train.interrupt import Stopped
from reverie.train.learner import Learner
from reverie.train.measuring import Measuring
from reverie.train.recorded import Recorded
from reverie.train.supply import Nothing, Supply, check_live, supply_of
from reverie.types import Batch, Metrics


def _build(resolved: Resolved, observations: Space, actions: Space, device: torch.device) -> Agent:
    with torch.random.fork_rng():
        torch.manual_seed(resolved.config.train.seed)
        return build(resolved.config, resolved.parts, observations, actions).to(device)


LONG = 600.0
"""Seconds after the last checkpoint at which another is written, whatever a stage is doing: some take hours."""


class Trainer:
    """One run: environments, replay, agent and learner, made from a configuration.

    Attributes:
        agent: the agent as it is now.
        new_agent: makes one like it, with the weights that it began with.
        steps: agent steps collected here whose records are in the replay, or were.
        episodes: the episodes of the last evaluation.
        stage: the number of the program's stage that runs, and in `began` the updates and agent steps at its beginning.
        finished: whether the program is over and its last evaluation made.
        draws, generators: all that is drawn from, numpy's and torch's.
        measuring: the records that the world's statistics still lack.
        recorded: what is learned from where nothing is collected.
        random: chooses actions where the program says so.
        carry: what the agent carries from step to step.
        supply: what brings records into the replay in this stage.
    """

    def __init__(self, resolved: Resolved, folder: RunFolder) -> None:
        config, train = resolved.config, resolved.config.train
        self.config, self.folder, self.program = config, folder, resolved.program()
        check_live(self.program, config)
        choose_threads(train.threads)
        device = choose_device(train.device)
        self.envs = make_vector(
            [partial(seeded, config.env, train.seed, number) for number in range(config.env.num_envs)],
            config.env.vector,
        )
        observations, actions = self.envs.single_observation_space, self.envs.single_action_space
        self.new_agent = partial(_build, resolved, observations, actions, device)
        self.agent = self.new_agent()
        if train.compile:
            compile_hot(self.agent)
        codec = self.agent.codec
        self.replay = build_replay(config, observations, codec)
        self.collector = Collector(self.envs, codec, self.replay)
        self.measuring = Measuring(self.agent.world.preprocess)
        self.recorded = Recorded(resolved, observations, actions)
        seeds = np.random.SeedSequence(train.seed).generate_state(4)
        self.draws = {"replay": np.random.default_rng(seeds[0]), "random": np.random.default_rng(seeds[1])}
        self.random = RandomAct(codec, self.draws["random"], train.hold)
        self.generators = {
            "explore": torch.Generator(device).manual_seed(int(seeds[2])),
            "learn": torch.Generator(device).manual_seed(int(seeds[3])),
        }
        self._arena = self._make_arena()
        own = (self.generators["learn"], train.precision, self._arena, train.graphs, train.burn_in)
        self.learner = Learner(self.agent, self.program, *own)
        makers = [config.env.make] * train.eval_episodes
        self.evaluator = Evaluator(make_vector(makers), train.seed, SHOWN) if makers else None
        self.episodes: list[Episode] = []
        self.carry: Carry = self.agent.initial(config.env.num_envs)
        self.watch = Stopwatch()
        self.clocks = {"eval": Every(train.eval_every, train.prefill)}
        self.stage, self.began, self.finished, self.steps = 0, (0, 0), False, 0
        self.supply: Supply = Nothing(self.program[0])
        self._log_length, self._kept = 0, time.monotonic()
        self._learned: Metrics = {}

    @property
    def frames(self) -> int:
        """Environment frames collected so far: agent steps times action repeat."""
        return self.steps * self.config.env.action_repeat

    @property
    def so_far(self) -> str:
        """How far it is in words: by frames, or by updates where none are collected."""
        collects = any(stage.actor != "none" for stage in self.program)
        return f"{self.frames:,} frames" if collects else f"{self.learner.updates:,} updates"

    def resume(self) -> list[str]:
        """Take up the run where its last checkpoint left it.

        Returns:
            A line for each thing that does not go on as it was.

        Raises:
            UserError: if there is no checkpoint, or it does not fit.
        """
        self._log_length, changed = snapshot.restore(self)
        return changed

    def run(self, progress: Progress, stop: Callable[[], Stopped | None] = lambda: None) -> None:
        """Execute the program, from its beginning or from where it was taken up.

        Args:
            progress: told how far it is.
            stop: asked often whether there is a reason to stop.

        Raises:
            Stopped: what `stop` gave, once a checkpoint is written.
            UserError: if the environment or a loss is not finite, or something cannot be written.
        """
        with MetricLog(self.folder.path, axis=axis_of(self.program)) as log:
            log.truncate(self._log_length)
            while self.stage < len(self.program):
                self._run_stage(self.program[self.stage], log, progress, stop)
                self.stage += 1
                self.began = (self.learner.updates, self.steps)
                if self.stage < len(self.program):  # the last one's is that of the last evaluation
                    self._check_finite()
                    self._keep(log)
            if not self.finished:
                self.finished = True
                self._evaluate(log, progress)

    def close(self) -> None:
        """Close all environments."""
        self.envs.close()
        if self.evaluator is not None:
            self.evaluator.close()
        if self._arena is not None:
            self._arena.close()

    def batch(self, stage: Stage) -> Batch:
        """What a stage learns from next, on the agent's device.

        Raises:
            UserError: if the replay holds too little for it.
        """
        rows, rng = stage.rows or self.config.train.batch, self.draws["replay"]
        if stage.draw == "beginnings":
            return self.replay.beginnings(rows, rng).to(self.agent.device)
        # While nothing new comes in, many visits would only drive the old out of what is drawn later (TWM's code).
        length, counted = 1 if stage.draw == "records" else None, stage.actor != "none"
        return self.replay.sample(rows, rng, length=length, counted=counted).to(self.agent.device)

    def _make_arena(self) -> Arena | None:
        env, train = self.config.env, self.config.train
        if all(stage.arena == "dream" for stage in self.program):
            return None
        numbers = range(ARENA, ARENA + env.num_envs)
        makers = [partial(seeded, env, train.seed, number, training=False) for number in numbers]
        envs = make_vector(makers, env.vector)
        return Arena(envs, self.agent)

    def act(
        self, agent: Agent, observation: Mapping[str, np.ndarray], reward: np.ndarray, first: np.ndarray
    ) -> np.ndarray:
        """The actions that an agent explores by, "B ..."; what it carries goes on from the step before."""
        generator = self.generators["explore"]
        action, self.carry = agent.act(observation, reward, first, self.carry, "explore", generator)
        return action

    def steps_until(self, stage: Stage) -> int:
        """Agent steps of the whole run at which a stage has its frames; no end where it has none to collect."""
        frames = stage.until.frames
        return sys.maxsize if frames is None else -(-frames // self.config.env.action_repeat)

    def over(self, stage: Stage) -> bool:
        """Whether the stage that runs has its frames, or its updates."""
        until = stage.until
        if until.frames is not None and self.frames >= until.frames:
            return True
        return until.updates is not None and self.learner.updates - self.began[0] >= until.updates

    def _run_stage(self, stage: Stage, log: MetricLog, progress: Progress, stop: Callable[[], Stopped | None]) -> None:
        if stage.recorded:
            self._fill(stage, log, progress)
        if stage.encode:
            encode_once(self.agent.world, self.replay, self.agent.device)
        with supply_of(self, stage) as self.supply:
            while not self.over(stage):
                reason = stop()
                if reason is not None:
                    self.supply.end()  # a step that no checkpoint knows of should not be taken
                    self._check_finite()
                    self._keep(log)
                    raise reason
                if time.monotonic() - self._kept > LONG:
                    self._check_finite()
                    self._keep(log)
                for _ in range(self.supply.bring()):
                    self._update(stage, log)
                self._show(stage, progress)
                if stage.learns and self._due(stage):
                    self._evaluate(log, progress)

    def _due(self, stage: Stage) -> bool:
        """Whether to evaluate now; the end of the program is evaluated once it is over."""
        if stage.evaluate is None:
            return self.clocks["eval"](self.frames) and self.frames < self.config.train.steps
        done = self.learner.updates - self.began[0]
        last = self.stage + 1 == len(self.program) and self.over(stage)
        return stage.evaluate > 0 and done % stage.evaluate == 0 and not last

    def _show(self, stage: Stage, progress: Progress) -> None:
        evaluation = float(np.mean([e.total for e in self.episodes])) if self.episodes else None
        updates = self.learner.updates
        apart = None if stage.actor != "none" else (updates - self.began[0], stage.until.updates or 1)
        progress.update(self.frames, updates, evaluation, stage.name, apart)

    def _fill(self, stage: Stage, log: MetricLog, progress: Progress) -> None:
        survey = self.recorded.fill(self.replay, self.measuring, stage.measure)
        for line in survey.lines:
            progress.message(line)
        self._write(log, survey.metrics)

    def _update(self, stage: Stage, log: MetricLog) -> None:
        every = stage.log or self.config.train.log_every
        due = (self.learner.updates + 1) % every == 0
        self._learned = self.learner.update(stage, self.batch(stage), diagnosed=due)
        if not due:
            return
        values = {name: float(value) for name, value in self._learned.items()}
        snapshot.check_finite(self, values)
        if self.collector.finished:
            values["train/return"] = float(np.mean(self.collector.take_finished()))
        values |= {"replay/records": len(self.replay), "replay/mib": self.replay.bytes / 2**20}
        self._write(log, values)

    def _evaluate(self, log: MetricLog, progress: Progress) -> None:
        if self.evaluator is None:
            self._check_finite()
            self._keep(log)
            return
        with self._apart():
            self._check_finite()
            self.episodes = self.evaluator(self.agent)
            dreamed = float(dreamed_returns(self.agent, self.episodes).mean())
        metrics = metrics_of(self.episodes) | {"eval/dreamed": dreamed}
        where = self.so_far  # a live stage goes on meanwhile
        self._write(log, metrics)
        # A run that is killed between the two lines is cut back to the checkpoint before, and evaluates again.
        self._keep(log)
        minutes = self.watch.train_seconds / 60
        result = f"return {metrics['eval/return']:8.1f}  dreamed {dreamed:8.1f}"
        progress.message(f"{where:>16}  {minutes:5.1f} min  {result}")

    def _keep(self, log: MetricLog) -> None:
        """Write a checkpoint."""
        with self._apart(), self.supply.still():
            snapshot.save(self, log.sync())
        self._kept = time.monotonic()

    def _apart(self) -> AbstractContextManager[object]:
        """What is no training, but where training goes on meanwhile."""
        return self.watch if self.supply.waits else nullcontext()

    def _check_finite(self) -> None:
        snapshot.check_finite(self, {name: float(value) for name, value in self._learned.items()})

    def _write(self, log: MetricLog, metrics: Mapping[str, float | list[float]]) -> None:
        log.write(self.frames, self.learner.updates, self.watch.seconds, self.watch.train_seconds, metrics)
