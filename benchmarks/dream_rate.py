"""How fast a population dreams: `python benchmarks/dream_rate.py --units 128 256 --threads 1 2`.

Individual x rollout x step per second, of `worldmodels` on numbers of Pendulum's shape, with dreams that do not end;
the arithmetic of a step, by torch's counter; and its share of what the matrix product reaches in the same run.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch
from torch.utils.flop_counter import FlopCounterMode

from reverie import resolve
from reverie.agents.build import build
from reverie.dynamics.lstm import LSTMConfig
from reverie.report.write import write_json
from reverie.train.bench import matmul_rate, median_ms
from reverie.train.folder import versions
from reverie.types import Batch, Experience

HORIZON = 20


def measure(units: int, population: int, rollouts: int, repeats: int) -> dict[str, float]:
    resolved = resolve("worldmodels", "gym:Pendulum-v1", backbone=LSTMConfig(units=units))
    behaviour = replace(
        resolved.config.behaviour,
        horizon=HORIZON,
        rollouts=rollouts,
        search=replace(resolved.config.behaviour.search, population=population),
    )
    config = replace(resolved.config, behaviour=behaviour)
    env = config.env.make()
    agent = build(config, resolved.parts, env.observation_space, env.action_space).eval()
    env.close()
    with torch.no_grad():
        agent.world.continue_.mlp[-1].bias.fill_(50.0)  # nobody dies
    zeros, generator = torch.zeros(rollouts, 1), torch.Generator().manual_seed(0)
    batch = Batch({"state": torch.randn(rollouts, 1, 3)}, torch.zeros(rollouts, 1, 1), zeros, zeros + 1, zeros)
    with torch.no_grad():
        experience = Experience(batch, agent.world.observe(batch, agent.world.initial(rollouts), generator))
        many = torch.zeros(population, agent.behaviour.controller.size)

        def dream() -> None:
            agent.behaviour._dream(agent.world, experience, many, generator)

        with FlopCounterMode(display=False) as counter:
            dream()
        device = torch.device("cpu")
        rates = [matmul_rate(device, torch.float32)]
        ms = median_ms(dream, device, repeats)
        rates.append(matmul_rate(device, torch.float32))
    steps = population * rollouts * HORIZON
    gflop = counter.get_total_flops() / 1e9
    return {
        "units": units,
        "population": population,
        "rollouts": rollouts,
        "steps_per_second": steps / ms * 1e3,
        "kflop_per_step": gflop / steps * 1e6,
        "gflop_per_second": gflop / ms * 1e3,
        "share": gflop / ms * 1e3 / median(rates),
    }


def main() -> None:
    """Measure, and print a row each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, nargs="+", default=[128, 256], help="of the LSTM")
    parser.add_argument("--population", type=int, default=64)
    parser.add_argument("--rollouts", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, nargs="+", default=[1], help="that share a step; each number in turn")
    parser.add_argument("--output", type=Path, help="a JSON file for the figures")
    chosen = parser.parse_args()
    rows = []
    for threads in chosen.threads:
        torch.set_num_threads(threads)
        for units in chosen.units:
            row = {"threads": threads, **measure(units, chosen.population, chosen.rollouts, chosen.repeats)}
            print(
                f"LSTM {row['units']:.0f}, {row['population']:.0f} x {row['rollouts']:.0f}, threads {threads}: "
                f"{row['steps_per_second']:,.0f} steps/s, {row['kflop_per_step']:.0f} kFLOP a step, "
                f"{row['gflop_per_second']:.0f} GFLOP/s, {row['share']:.0%} of the matrix product"
            )
            rows.append(row)
    if chosen.output:
        write_json(chosen.output, {"versions": versions(), "rows": rows})


if __name__ == "__main__":
    main()
