"""One behaviour in several worlds, which differ in their backbone and learn from the same recorded steps.

Each is `dreamer` at the laptop scale with the *encode* posterior, which every backbone can work with. A world learns
first, then the behaviour inside it, then it is evaluated in the real environment: nothing is collected on the way, so
that all worlds know the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import partial

import gymnasium
import numpy as np
import torch
from gymnasium.vector import VectorEnv

from reverie.agents.agent import Agent
from reverie.agents.build import build
from reverie.agents.offline import Offline
from reverie.agents.presets import preset_named
from reverie.agents.program import Stage
from reverie.agents.resolve import Resolved, resolve
from reverie.data.collect import Collector, RandomAct, columns_of
from reverie.data.replay import Replay
from reverie.envs.make import EnvConfig, make_vector
from reverie.envs.seeds import EpisodeSeeds
from reverie.errors import UserError
from reverie.report.evaluate import Episode, Evaluator, held_out_episodes
from reverie.report.open_loop import dreamed_returns, open_loop
from reverie.train.bench import median_ms, peak_mib
from reverie.train.device import choose_device
from reverie.train.learner import Learner
from reverie.train.measuring import Measuring
from reverie.train.recorded import Recorded

ROWS = 64
"""Dreams side by side whose steps are timed."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What is the same for all worlds."""

    env: EnvConfig
    frames: int
    """environment frames of random actions that all learn from, where no data are named"""
    data: tuple[str, ...] = ()
    """what was recorded and is learned from instead"""
    length: int
    """steps of a chunk; windows are as long"""
    updates: int
    """of the world"""
    behaviour_updates: int
    """of the behaviour inside it; 0: the world alone is asked"""
    steps: tuple[int, ...]
    """after how many dreamed steps errors are taken"""
    context: int
    """steps that a world has seen before it dreams"""
    episodes: int
    """held-out episodes, and as many to evaluate"""
    seed: int
    device: str


@dataclass(frozen=True)
class Cost:
    """What a world takes at one length of chunks, the number of steps in an update being the same."""

    length: int
    update_ms: float
    """of the world, forwards and backwards"""
    peak_mib: float | None
    """of the process, or the device"""
    dream_ms: float
    """a dreamed step of 64 dreams after such a chunk, without gradients"""


@dataclass(frozen=True)
class Findings:
    """What one world came to."""

    parameters: int
    """of the world"""
    error: list[float]
    """root mean squared error of the dream over that of the mean observation, at each of the steps; 1 is a guess"""
    reward_error: list[float]
    """the same of the reward"""
    returns: list[float]
    """of real episodes, empty where no behaviour learned"""
    dreamed: float | None
    """the mean of what the first episode's policy dreams to return"""


def contender(terms: Terms, backbone: str, length: int, batch: int) -> Resolved:
    """The agent around a backbone; a window, where it has one, is as long as the chunks.

    Raises:
        UserError: for an unknown backbone.
    """
    plain = resolve("dreamer", terms.env.env, parts={"backbone": backbone, "posterior": "encode"})
    inside = plain.config.backbone
    if "window" in {field.name for field in fields(inside)}:
        inside = replace(inside, window=length)
    train = replace(plain.config.train, length=length, batch=batch, seed=terms.seed, device=terms.device)
    return replace(plain, config=replace(plain.config, env=terms.env, train=train, backbone=inside))


def _seeded(terms: Terms, number: int) -> gymnasium.Env:
    """One of the environments that are recorded, each of its episodes with a seed of its own."""
    return EpisodeSeeds(terms.env.make(training=True), terms.seed, number)


def _recorded(terms: Terms, resolved: Resolved, envs: VectorEnv) -> Recorded:
    """The data that were named, for these environments."""
    offline = replace(resolved, offline=Offline(data=terms.data))
    return Recorded(offline, envs.single_observation_space, envs.single_action_space)


def check_data(terms: Terms, backbone: str) -> None:
    """See that all data that were named can be learned from.

    Raises:
        UserError: if not.
    """
    envs = make_vector([terms.env.make])
    try:
        _recorded(terms, contender(terms, backbone, terms.length, 1), envs).check()
    finally:
        envs.close()


class Ring:
    """An agent, and the recorded steps that it learns from; they are the same for every agent."""

    def __init__(self, terms: Terms, resolved: Resolved) -> None:
        config = resolved.config
        self.terms, self.config, self.device = terms, config, choose_device(terms.device)
        makers = [partial(_seeded, terms, number) for number in range(terms.env.num_envs)]
        envs = make_vector(makers, terms.env.vector)
        try:
            space = envs.single_observation_space
            assert isinstance(space, gymnasium.spaces.Dict)
            torch.manual_seed(terms.seed)
            self.agent: Agent = build(config, resolved.parts, space, envs.single_action_space).to(self.device)
            codec, capacity = self.agent.codec, int(config.train.replay_mib * 2**20)
            streams, length = terms.env.num_envs, config.train.length
            self.replay = Replay(columns_of(space, codec), codec, streams=streams, capacity=capacity, length=length)
            measuring = Measuring(self.agent.world.preprocess)
            if terms.data:
                _recorded(terms, resolved, envs).fill(self.replay, measuring, rewards=True)
            else:
                act = RandomAct(codec, np.random.default_rng(terms.seed))
                steps = -(-terms.frames // terms.env.action_repeat)
                measuring.add(Collector(envs, codec, self.replay).collect(steps, act), rewards=True)
                measuring.finish()
        finally:
            envs.close()
        program = preset_named(resolved.preset).program(config)
        self.stage = next(stage for stage in program if stage.groups and stage.behave)
        self.learner = Learner(self.agent, program, torch.Generator(self.device).manual_seed(terms.seed), "float32")
        self.rng = np.random.default_rng(terms.seed)

    def learn(self, stage: Stage, updates: int) -> None:
        """So many updates of what the stage says."""
        for _ in range(updates):
            self.learner.update(stage, self.replay.sample(self.config.train.batch, self.rng).to(self.device))

    def world(self) -> Stage:
        """The world alone learns."""
        return replace(self.stage, behave=False)

    def behaviour(self) -> Stage:
        """The behaviour alone learns, inside the world."""
        return replace(self.stage, groups=())


def cost(terms: Terms, backbone: str, length: int, steps: int, repeats: int) -> Cost:
    """What an update of the world and a dreamed step take; meant for a process of its own, whose memory it tells.

    Args:
        terms: of the comparison.
        backbone: its name.
        length: of the chunks.
        steps: of all chunks of an update together.
        repeats: updates that the median is taken of.
    """
    few = replace(terms, data=(), frames=(length + 1) * terms.env.action_repeat * terms.env.num_envs)
    ring = Ring(few, contender(few, backbone, length, max(1, steps // length)))
    update = median_ms(lambda: ring.learn(ring.world(), 1), ring.device, repeats)
    return Cost(length, update, peak_mib(ring.device), dream_ms(ring))


def face(terms: Terms, backbone: str) -> Findings:
    """Train a world and the behaviour inside it, and see what they came to.

    Raises:
        UserError: if a held-out episode is too short for the dreams that are asked for.
    """
    ring = Ring(terms, contender(terms, backbone, terms.length, 16))
    played = held_out_episodes(terms.env, ring.agent.codec, terms.seed, terms.episodes)
    shortest, asked = min(len(episode.reward) for episode in played), terms.context + max(terms.steps)
    if shortest < asked:
        raise UserError(
            f"--context {terms.context} and --steps {max(terms.steps)} need episodes of {asked} records, and one of "
            f"the held-out ones has {shortest}; lower them, or choose another environment"
        )
    ring.learn(ring.world(), terms.updates)
    agent = ring.agent.eval()
    error, reward_error = errors(agent, played, terms)
    returns, dreamed = [], None
    if terms.behaviour_updates:
        agent.train()
        ring.learn(ring.behaviour(), terms.behaviour_updates)
        evaluator = Evaluator(make_vector([terms.env.make] * terms.episodes), terms.seed)
        try:
            real = evaluator(agent.eval())
        finally:
            evaluator.close()
        returns, dreamed = [episode.total for episode in real], float(dreamed_returns(agent, real).mean())
    parameters = sum(p.numel() for p in agent.world.parameters())
    return Findings(parameters, error, reward_error, returns, dreamed)


def errors(agent: Agent, played: Sequence[Episode], terms: Terms) -> tuple[list[float], list[float]]:
    """Of observation and reward at each of the steps, over that of their means; all keys count alike.

    The reward's is no number where none that differs from the mean was paid: there is nothing to foretell.
    """
    loop = open_loop(agent, played, terms.context, max(terms.steps))
    places = np.array(terms.steps) - 1
    shares = []
    for key, truth in loop.truth.items():
        mean = truth.mean((0, 1))
        found = loop.error(key, mean)
        shares.append(found["dream"][places] / found["mean"][places].clip(1e-9))
    miss, spread = loop.dreamed_reward - loop.reward, loop.reward - loop.reward.mean()
    rewards = [np.sqrt(np.square(x).mean(0))[terms.context :][places] for x in (miss, spread)]
    share = np.divide(rewards[0], rewards[1], out=np.full_like(rewards[0], np.nan), where=rewards[1] > 1e-9)
    return np.mean(shares, 0).tolist(), share.tolist()


@torch.no_grad()
def dream_ms(ring: Ring, repeats: int = 20) -> float:
    """A dreamed step, after the context of a chunk."""
    world, rows = ring.agent.world, ring.config.train.batch
    batch = ring.replay.sample(rows, np.random.default_rng(0)).to(ring.device)
    trace = world.observe(batch, world.initial(rows))
    index = torch.arange(ROWS, device=ring.device)
    state = world.dynamics.start(trace, index % rows, torch.full_like(index, batch.first.shape[1] - 1))
    action = batch.action[index % rows, -1]
    return median_ms(lambda: world.imagine(action, state, ring.learner.generator), ring.device, repeats)
