"""The same policies in dreams and in reality: `python benchmarks/dream_and_reality.py RUN --episodes 200`.

For a finished run of `worldmodels`: what its agent and policies that see nothing return in the environment, and what
its world dreams them to return. A world is true where the two agree; where it dreams of more, a controller that evolves
in it learns to be there. With `--temperatures`, the controller evolves again in dreams of each, as often as
`--generations` says, and both returns are measured.

The policies that see nothing: actions at random, held as in the run's own collection; each choice for ever (each end
and the middle, of continuous actions); and of choices a sweep, the second one for N steps and the third one for as
many, in turn, half of the first time to begin with. Intervals are of 95 %, of the mean.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reverie.agents.agent import Agent
from reverie.behaviour.evolution import Evolution
from reverie.data.collect import Act, RandomAct
from reverie.envs.make import EnvConfig, make_vector
from reverie.envs.seeds import episode_seed
from reverie.report.evaluate import follow, play
from reverie.report.write import write_json
from reverie.train.device import choose_threads
from reverie.train.folder import RunFolder
from reverie.train.trainer import Trainer
from reverie.types import Actions, State

FRESH = 4_000_000
"""Environments are numbered from here on: nobody has learned from these episodes, nor were they evaluated before."""

Maker = Callable[[int], Act]
"""Makes a policy for that many episodes side by side."""


def spread(returns: Sequence[float]) -> dict[str, float]:
    """Mean, half of its interval, and the standard deviation of one episode."""
    deviation = float(np.std(returns, ddof=1))
    interval = 1.96 * deviation / len(returns) ** 0.5
    return {"mean": float(np.mean(returns)), "interval": interval, "deviation": deviation, "episodes": len(returns)}


def in_reality(env: EnvConfig, seed: int, make: Maker, episodes: int, side: int) -> dict[str, float]:
    envs = make_vector([env.make] * side)
    returns: list[float] = []
    try:
        for part in range(-(-episodes // side)):
            seeds = [episode_seed(seed, FRESH + row, part) for row in range(side)]
            returns += [episode.total for episode in play(envs, make(side), seeds)]
    finally:
        envs.close()
    return spread(returns[:episodes])


class Dreamer:
    """Dreams of a run, from beginnings of its episodes, with deaths by chance."""

    def __init__(self, trainer: Trainer, rows: int) -> None:
        self.trainer, self.rows = trainer, rows

    def starts(self, generator: torch.Generator) -> State:
        world = self.trainer.agent.world
        batch = self.trainer.replay.beginnings(self.rows, np.random.default_rng(0))
        return world.observe(batch, world.initial(self.rows), generator).last()

    @torch.no_grad()
    def __call__(self, choose: Callable[[State], Tensor], horizon: int, temperature: float) -> dict[str, float]:
        world, generator = self.trainer.agent.world, torch.Generator().manual_seed(0)
        state = self.starts(generator)
        alive, returns = torch.ones(self.rows), torch.zeros(self.rows)
        for _ in range(horizon):
            state = world.imagine(choose(state), state, generator, temperature)
            returns += alive * world.reward(state.features)
            goes_on = world.continue_(state.features)
            alive = alive * (torch.rand(self.rows, generator=generator) < goes_on)
        return spread((returns * world.preprocess.reward_unit).tolist())


def blind(agent: Agent, sweep: int) -> dict[str, Callable[[], Iterator[np.ndarray]]]:
    """Policies that know the time alone: the model's actions "A", one a step."""
    size, groups = agent.codec.size, agent.codec.groups

    def always(action: np.ndarray) -> Iterator[np.ndarray]:
        while True:
            yield action

    def sweeping() -> Iterator[np.ndarray]:
        for step in range(sweep // 2, 1 << 62):
            yield np.eye(size, dtype=np.float32)[1 + step // sweep % 2]

    if len(groups) == 1:
        made = {f"choice {i}": partial(always, np.eye(size, dtype=np.float32)[i]) for i in range(size)}
        return made | ({f"sweep {sweep}": sweeping} if size > 2 else {})
    return {f"{value:+.0f}": partial(always, np.full(size, value, np.float32)) for value in (-1.0, 0.0, 1.0)}


def in_step(agent: Agent, make: Callable[[], Iterator[np.ndarray]], rows: int) -> Act:
    """A blind policy for real episodes."""
    actions = make()
    return lambda observation, reward, first: agent.codec.decode(np.tile(next(actions), (rows, 1)))


def policies(trainer: Trainer, chosen: argparse.Namespace) -> dict[str, dict[str, dict[str, float]]]:
    agent, config = trainer.agent, trainer.config
    real = partial(in_reality, config.env, chosen.seed, episodes=chosen.episodes, side=chosen.side)
    dreams = Dreamer(trainer, chosen.dreams)
    dream = partial(dreams, horizon=config.behaviour.horizon, temperature=config.behaviour.temperature)
    found = {}

    def random(rows: int) -> Act:
        return RandomAct(agent.codec, np.random.default_rng(1), config.train.hold)

    def dreamed_random() -> Callable[[State], Tensor]:
        act, nothing = random(chosen.dreams), np.zeros(chosen.dreams)
        return lambda state: torch.from_numpy(agent.codec.encode(act({}, nothing, nothing)))

    found["agent"] = {"real": real(lambda rows: follow(agent, rows)), "dreamed": dream(own(agent, chosen.dreams))}
    tell("agent", found["agent"])
    found["random"] = {"real": real(random), "dreamed": dream(dreamed_random())}
    tell("random", found["random"])
    for name, make in blind(agent, chosen.sweep).items():
        actions = make()

        def choose(state: State, actions: Iterator[np.ndarray] = actions) -> Tensor:
            return torch.from_numpy(np.tile(next(actions), (chosen.dreams, 1)))

        found[name] = {"real": real(partial(in_step, agent, make)), "dreamed": dream(choose)}
        tell(name, found[name])
    return found


def own(agent: Agent, rows: int) -> Callable[[State], Tensor]:
    """What the agent chooses in dreams."""
    first, generator = torch.zeros(rows), torch.Generator().manual_seed(0)
    return lambda state: agent.behaviour.act(agent.world, state, (), first, "evaluate", generator)[0]


def temperatures(trainer: Trainer, chosen: argparse.Namespace) -> dict[str, dict[str, dict[str, float]]]:
    """The controller, evolved again in dreams of each temperature."""
    agent, config, found = trainer.agent, trainer.config, {}
    world, stage = agent.world, trainer.program[-1]
    for temperature in chosen.temperatures:
        torch.manual_seed(chosen.seed)
        form = Actions(agent.codec.size, agent.codec.groups)
        sizes = (world.dynamics.deter_size, world.dynamics.stoch_size, form)
        agent.behaviour = Evolution(replace(config.behaviour, temperature=temperature), *sizes)
        generator = torch.Generator().manual_seed(chosen.seed)
        for _ in range(chosen.generations):
            batch = trainer.batch(stage)
            with torch.no_grad():
                seen, _ = agent.objective(world, batch, world.initial(len(batch.first)), generator)
            assert seen is not None
            agent.behaviour.learn(world, seen, generator)
        dream = Dreamer(trainer, chosen.dreams)(own(agent, chosen.dreams), config.behaviour.horizon, temperature)
        maker = partial(follow, agent)
        real = in_reality(config.env, chosen.seed, maker, chosen.episodes, chosen.side)
        found[str(temperature)] = {"real": real, "dreamed": dream}
        tell(f"tau {temperature:g}", found[str(temperature)])
    return found


def tell(name: str, both: dict[str, dict[str, float]]) -> None:
    cells = [f"{both[where]['mean']:.0f} +- {both[where]['interval']:.0f}" for where in ("real", "dreamed")]
    print(f"| {name} | {' | '.join(cells)} | {both['real']['deviation']:.0f} |", flush=True)


def main() -> None:
    """Play, dream, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--episodes", type=int, default=200, help="real ones of each policy")
    parser.add_argument("--side", type=int, default=20, help="of them side by side")
    parser.add_argument("--dreams", type=int, default=512, help="of each policy")
    parser.add_argument("--sweep", type=int, default=28, help="steps to one side")
    parser.add_argument("--temperatures", type=float, nargs="*", default=[], help="to evolve again at")
    parser.add_argument("--generations", type=int, default=20, help="at each temperature")
    parser.add_argument("--seed", type=int, default=0, help="of real episodes and of what evolves again")
    parser.add_argument("--no-policies", action="store_true", help="temperatures alone")
    parser.add_argument("--output", type=Path, help="a JSON file for the figures")
    chosen = parser.parse_args()
    folder = RunFolder(chosen.run)
    trainer = Trainer(folder.resolved(), folder)
    choose_threads(1)
    try:
        trainer.resume()
        trainer.agent.eval()
        print("| policy | real | dreamed | deviation of a real episode |\n|---|---|---|---|", flush=True)
        found = {} if chosen.no_policies else {"policies": policies(trainer, chosen)}
        if chosen.temperatures:
            found["temperatures"] = temperatures(trainer, chosen)
    finally:
        trainer.close()
    if chosen.output:
        options = {name: x for name, x in vars(chosen).items() if name not in ("run", "output")}
        write_json(
            chosen.output, {"options": options, "env": asdict(trainer.config.env), **json.loads(json.dumps(found))}
        )


if __name__ == "__main__":
    main()
