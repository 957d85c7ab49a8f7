"""The same policies in dreams and in reality: `python benchmarks/dream_and_reality.py RUN --episodes 200`.

For a finished run of `worldmodels`: what its agent and policies that see nothing return in the environment, and what
its world dreams them to return. A world is true where the two agree; where it dreams of more, a controller that evolves
in it learns to be there. With `--temperatures`, the controller evolves again in dreams of each, as often as
`--generations` says, and both returns are measured; with `--report` the one that does best in reality plays that many
episodes of other seeds, which did not choose it.

The policies that see nothing: actions at random, held as in the run's own collection; each choice for ever (each end
and the middle, of continuous actions); and of choices a sweep, the second one for N steps and the third one for as
many, in turn, half of the first time to begin with. Intervals are of 95 %, of the mean.
"""

import argparse
import itertools
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from reverie.agents.agent import Agent
from reverie.behaviour.evolution import Evolution
from reverie.data.collect import Act, RandomAct
from reverie.envs.make import EnvConfig, make_vector
from reverie.envs.seeds import episode_seed
from reverie.play.dreams import Dreams
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

Choose = Callable[[State], np.ndarray]
"""The environment's own actions at the states of dreams."""


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


def in_dreams(
    run: Path, rows: int, horizon: int, temperature: float, make: Callable[[int], Choose]
) -> dict[str, float]:
    dreams = Dreams(
        run, rows, temperature=temperature, horizon=horizon, observe="features", start="first", device="cpu"
    )
    dreams.begin(np.random.default_rng(0))
    choose, alive, returns = make(rows), np.ones(rows, np.bool_), np.zeros(rows)
    for _ in range(horizon):
        assert dreams.state is not None
        step = dreams.step(choose(dreams.state))
        returns += alive * step.reward
        alive &= ~step.terminated
    return spread(returns.tolist())


def unseen(make: Maker) -> Callable[[int], Choose]:
    """A policy that looks at nothing, for dreams."""

    def made(rows: int) -> Choose:
        act, nothing = make(rows), np.zeros(rows)
        return lambda state: act({}, nothing, nothing)

    return made


def own(agent: Agent, rows: int) -> Choose:
    """What the agent chooses in dreams."""
    first, generator = torch.zeros(rows), torch.Generator().manual_seed(0)

    @torch.inference_mode()
    def choose(state: State) -> np.ndarray:
        action, _ = agent.behaviour.act(agent.world, state, (), first, "evaluate", generator)
        return agent.codec.decode(action.numpy())

    return choose


def blind(agent: Agent, sweep: int, hold: Sequence[int]) -> dict[str, Maker]:
    """Policies that know the time alone."""
    size, groups = agent.codec.size, agent.codec.groups

    def timed(at: Callable[[int], np.ndarray]) -> Maker:
        """The model's action "A" of each step, as one for each row."""

        def made(rows: int) -> Act:
            steps = itertools.count()
            return lambda observation, reward, first: agent.codec.decode(np.tile(at(next(steps)), (rows, 1)))

        return made

    def always(action: np.ndarray) -> Maker:
        return timed(lambda step: action)

    made: dict[str, Maker] = {"random": lambda rows: RandomAct(agent.codec, np.random.default_rng(1), hold)}
    if len(groups) != 1:
        return made | {f"{x:+.0f}": always(np.full(size, x, np.float32)) for x in (-1.0, 0.0, 1.0)}
    choices = np.eye(size, dtype=np.float32)
    made |= {f"choice {number}": always(choice) for number, choice in enumerate(choices)}
    if size > 2:
        made[f"sweep {sweep}"] = timed(lambda step: choices[1 + (step + sweep // 2) // sweep % 2])
    return made


def policies(trainer: Trainer, chosen: argparse.Namespace) -> dict[str, dict[str, dict[str, float]]]:
    agent, config, found = trainer.agent, trainer.config, {}
    real = partial(in_reality, config.env, chosen.seed, episodes=chosen.episodes, side=chosen.side)
    behaviour = config.behaviour
    dreamed = partial(in_dreams, chosen.run, chosen.dreams, behaviour.horizon, behaviour.temperature)
    makers = {name: (make, unseen(make)) for name, make in blind(agent, chosen.sweep, config.train.hold).items()}
    makers = {"agent": (partial(follow, agent), partial(own, agent)), **makers}
    for name, (awake, dreaming) in makers.items():
        found[name] = ({} if chosen.no_real else {"real": real(awake)}) | {"dreamed": dreamed(dreaming)}
        tell(name, found[name])
    return found


def temperatures(trainer: Trainer, chosen: argparse.Namespace) -> dict[str, dict[str, dict[str, float]]]:
    """The controller, evolved again in dreams of each temperature."""
    agent, config, found, evolved = trainer.agent, trainer.config, {}, {}
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
        dream = in_dreams(chosen.run, chosen.dreams, config.behaviour.horizon, temperature, partial(own, agent))
        real = in_reality(config.env, chosen.seed, partial(follow, agent), chosen.episodes, chosen.side)
        found[str(temperature)] = {"real": real, "dreamed": dream}
        evolved[str(temperature)] = agent.behaviour
        tell(f"tau {temperature:g}", found[str(temperature)])
    if chosen.report:
        best = max(found, key=lambda name: found[name]["real"]["mean"])
        agent.behaviour = evolved[best]
        real = in_reality(config.env, chosen.seed + 1, partial(follow, agent), chosen.report, chosen.side)
        found[f"{best}, other seeds"] = {"real": real}
        tell(f"tau {best}, other seeds", found[f"{best}, other seeds"])
    return found


def tell(name: str, both: dict[str, dict[str, float]]) -> None:
    cells = [
        f"{both[where]['mean']:.0f} +- {both[where]['interval']:.0f}" if where in both else "-"
        for where in ("real", "dreamed")
    ]
    deviation = f"{both['real']['deviation']:.0f}" if "real" in both else "-"
    print(f"| {name} | {' | '.join(cells)} | {deviation} |", flush=True)


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
    parser.add_argument("--report", type=int, default=0, help="episodes of other seeds for the best temperature")
    parser.add_argument("--seed", type=int, default=0, help="of real episodes and of what evolves again")
    parser.add_argument("--no-real", action="store_true", help="of policies their dreams alone")
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
        write_json(chosen.output, {"options": options, "env": asdict(trainer.config.env), **found})


if __name__ == "__main__":
    main()
