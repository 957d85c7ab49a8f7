"""Gradients of a dreamed return with respect to its first action, against the horizon (after Ma et al. 2024).

    python benchmarks/action_gradients.py --backbones attention gru markov --into results/action-gradients

Worlds of each backbone, conditioned on history and on actions, learn the same random episodes of a double pendulum by
the library's own objective, equally long. From held-out states they dream along actions that were really taken. Shown
are the norms of d(r_1 + .. + r_H) / d a_0 for each H, and how far the dreams are from what really happened: a world
that ignores its actions has small gradients as well. Drawn beside them: the gradient of the true pendulum.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

import double_pendulum as pendulum
import matplotlib
import numpy as np
import torch
from torch import Tensor

from reverie.agents.build import build_world
from reverie.agents.parts import PARTS
from reverie.agents.resolve import Resolved, resolve
from reverie.behaviour.actor import ActorConfig
from reverie.behaviour.value_gradient import ValueGradientConfig
from reverie.dynamics.dynamics import DynamicsConfig
from reverie.nets.frozen import frozen
from reverie.nets.optimiser import Optimiser
from reverie.ops import tree
from reverie.report.write import aside, write_json
from reverie.representation.preprocess import PreprocessConfig
from reverie.types import Batch, Features, total
from reverie.world.heads import HeadConfig
from reverie.world.imagine import unroll
from reverie.world.world import World

matplotlib.use("Agg")
from matplotlib import pyplot as plt

CONTEXT = 8
"""Real steps that a world has seen where a dream starts."""
DREAMS = 64
COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:purple", "tab:red", "tab:brown")


class Episodes(NamedTuple):
    """The pendulum's states "E T+1 4" and the actions between them "E T 1"."""

    state: Tensor
    action: Tensor

    def batch(self, rows: Tensor, starts: Tensor, length: int) -> Batch:
        """Chunks "B T" by arrival: the action at t is the one that led there."""
        steps = starts.unsqueeze(1) + torch.arange(length)
        state, action = self.state[rows.unsqueeze(1), steps], self.action[rows.unsqueeze(1), (steps - 1).clamp_min(0)]
        first = (steps == 0).float()
        reward = pendulum.reward(state).float() * (1 - first)
        action = action.float() * (1 - first).unsqueeze(-1)
        return Batch({"state": pendulum.observe(state).float()}, action, reward, first, torch.zeros_like(first))


def collect(number: int, generator: torch.Generator) -> Episodes:
    """Whole episodes of uniform random actions."""
    state = pendulum.begin(number, generator)
    action = torch.rand(number, pendulum.STEPS, 1, generator=generator, dtype=torch.float64) * 2 - 1
    states = [state]
    for now in action.unbind(1):
        states.append(pendulum.advance(states[-1], now))
    return Episodes(torch.stack(states, 1), action)


def configured(backbone: str, condition: Any, horizon: int) -> Resolved:
    """A world of that backbone that trains every distance up to the horizon; it sees as far as it dreams."""
    kind = PARTS["backbone"][backbone].Config
    window = {"window": CONTEXT + horizon} if "window" in {field.name for field in fields(kind)} else {}
    return resolve(
        "dreamer",
        "py:double_pendulum:DoublePendulum",
        parts={"backbone": backbone, "posterior": "encode"},
        length=horizon + 1,
        backbone=kind(**window),
        dynamics=DynamicsConfig(condition=condition, reach=horizon),
        preprocess=PreprocessConfig(vectors="none", reward_unit=1.0),
        behaviour=ValueGradientConfig(actor=ActorConfig(reads="z"), critic=HeadConfig(reads="z"), horizon=1),
    )


def learn(resolved: Resolved, data: Episodes, updates: int, seed: int) -> World:
    """A world that has learned the episodes."""
    config = resolved.config
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    world = build_world(config, resolved.parts, {"state": (6,)}, 1)
    objective = resolved.parts.chosen("objective")(config.objective, world)
    optimiser = Optimiser(config.objective.optimiser, [world])
    rows, length = config.train.batch, config.train.length
    for _ in range(updates):
        starts = torch.randint(pendulum.STEPS + 1 - length, (rows,), generator=generator)
        batch = data.batch(torch.randint(len(data.state), (rows,), generator=generator), starts, length)
        _, losses = objective(world, batch, world.initial(rows), generator)
        optimiser.step(total(losses))
        objective.follow(world)
    return world.eval()


@dataclass(frozen=True)
class Probe:
    """Held-out dreams: chunks that were really seen, the states where dreams start, and the actions to follow."""

    seen: Batch
    state: Tensor
    action: Tensor
    truth: Tensor

    @classmethod
    def of(cls, data: Episodes, horizon: int, generator: torch.Generator) -> "Probe":
        """One from each episode, at a random moment of it."""
        rows = torch.arange(len(data.state))
        starts = torch.randint(pendulum.STEPS + 1 - CONTEXT - horizon, (len(rows),), generator=generator)
        now = starts + CONTEXT - 1
        steps = now.unsqueeze(1) + torch.arange(horizon)
        truth = pendulum.observe(data.state[rows.unsqueeze(1), steps + 1]).float()
        return cls(
            data.batch(rows, starts, CONTEXT), data.state[rows, now], data.action[rows.unsqueeze(1), steps], truth
        )


def norms(action: Tensor, reward: Tensor, horizons: Sequence[int]) -> np.ndarray:
    """The norm of d(r_1 + .. + r_H) / d a_0, "HORIZONS N"."""
    returns = reward.cumsum(1).sum(0)
    grads = [torch.autograd.grad(returns[h - 1], action, retain_graph=True)[0][:, 0].norm(dim=-1) for h in horizons]
    return torch.stack(grads).numpy()


def true_norms(probe: Probe, horizons: Sequence[int]) -> np.ndarray:
    """Those of the pendulum itself."""
    action, state, rewards = probe.action.clone().requires_grad_(), probe.state, []
    for now in action.unbind(1):
        state = pendulum.advance(state, now)
        rewards.append(pendulum.reward(state))
    return norms(action, torch.stack(rewards, 1), horizons)


def dreamed(world: World, probe: Probe, horizons: Sequence[int], seed: int) -> dict[str, np.ndarray]:
    """Norms "HORIZONS N", and errors "HORIZONS" with the true actions and with those of another dream."""
    rows = torch.arange(len(probe.state))
    action = probe.action.float().requires_grad_()
    generator = torch.Generator().manual_seed(seed)
    with frozen(world):
        trace = world.observe(probe.seen, world.initial(len(rows)))
        start = tree.detach(world.dynamics.start(trace, rows, torch.full_like(rows, CONTEXT - 1)))
        found = {"norms": norms(action, unroll(world, action, start, generator).reward, horizons)}
    spread = probe.truth.std((0, 1))
    for name, taken in (("error", action), ("error_other_actions", action.roll(1, 0))):
        with torch.no_grad():
            dream = unroll(world, taken, start)
            seen = world.decode(Features(*dream.arrived))["state"]
        miss = ((seen - probe.truth) / spread).square().mean((0, 2)).sqrt()
        found[name] = miss[torch.tensor(horizons) - 1].numpy()
    return found


def quartiles(values: np.ndarray) -> list[list[float]]:
    """Lower quartile, median and upper quartile of the last axis."""
    return np.quantile(values, [0.25, 0.5, 0.75], axis=-1).tolist()


def measure(chosen: argparse.Namespace, horizons: list[int]) -> dict[str, Any]:
    """Train and dream, everything that is drawn."""
    generator = torch.Generator().manual_seed(1000)
    data, held_out = collect(chosen.episodes, generator), collect(DREAMS, generator)
    probe = Probe.of(held_out, chosen.horizon, generator)
    worlds: dict[str, Any] = {}
    for backbone in chosen.backbones:
        remembers = getattr(PARTS["backbone"][backbone], "remembers", True)
        for condition in ("history", "action") if remembers else ("history",):
            resolved = configured(backbone, condition, chosen.horizon)
            found, began = [], time.monotonic()
            for seed in range(chosen.seeds):
                world = learn(resolved, data, chosen.updates, seed)
                found.append(dreamed(world, probe, horizons, seed))
            name = f"{backbone}, {condition}" if remembers else backbone
            worlds[name] = {
                "norms": quartiles(np.concatenate([f["norms"] for f in found], -1)),
                "medians_of_seeds": [np.median(f["norms"], -1).tolist() for f in found],
                "error": np.mean([f["error"] for f in found], 0).tolist(),
                "error_other_actions": np.mean([f["error_other_actions"] for f in found], 0).tolist(),
                "parameters": sum(p.numel() for p in world.parameters()),
                "seconds": round(time.monotonic() - began, 1),
            }
            print(f"{name}: {worlds[name]['seconds']} s, norm {worlds[name]['norms'][1][-1]:.3g} at {horizons[-1]}")
    settings = {key: value for key, value in vars(chosen).items() if key != "into"}
    truth = quartiles(true_norms(probe, horizons))
    return {"settings": settings, "horizons": horizons, "truth": {"norms": truth}, "worlds": worlds}


def draw(result: dict[str, Any], path: Path) -> None:
    """Norms on the left, errors on the right."""
    horizons, worlds = result["horizons"], result["worlds"]
    names = list(dict.fromkeys(name.split(",")[0] for name in worlds))
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    low, middle, high = result["truth"]["norms"]
    left.fill_between(horizons, low, high, color="black", alpha=0.08, lw=0)
    left.plot(horizons, middle, color="black", lw=2, label="the true pendulum")
    for name, world in worlds.items():
        colour, dashed = COLOURS[names.index(name.split(",")[0])], "--" if name.endswith("history") else "-"
        low, middle, high = world["norms"]
        left.fill_between(horizons, low, high, color=colour, alpha=0.12, lw=0)
        left.plot(horizons, middle, color=colour, ls=dashed, label=name)
        right.plot(horizons, world["error"], color=colour, ls=dashed, label=name)
        right.plot(horizons, world["error_other_actions"], color=colour, ls=":", lw=1)
    right.axhline(1, color="grey", lw=0.8)
    right.annotate("the mean as the guess", (1, 1), va="bottom", fontsize=8, color="grey")
    left.set(xlabel="horizon H", ylabel="norm of d(r_1 + .. + r_H) / d a_0", yscale="log", title="gradient")
    right.set(xlabel="horizon", ylabel="error / deviation", ylim=(0, None), title="dreams (dotted: other actions)")
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8, loc="lower right")
    with aside(path) as partial:
        figure.savefig(partial, dpi=120)


def main() -> None:
    """Train, dream, write figures and plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", nargs="+", choices=sorted(PARTS["backbone"]), default=["gru", "markov"])
    parser.add_argument("--horizon", type=int, default=50)
    parser.add_argument("--episodes", type=int, default=100, help="random ones to learn from, of 200 steps")
    parser.add_argument("--updates", type=int, default=800)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--into", type=Path, default=Path("results/action-gradients"), help="a folder")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    horizons = sorted(
        {h for h in (1, 2, 3, 5, 8, *range(10, chosen.horizon, 5), chosen.horizon) if h <= chosen.horizon}
    )
    result = measure(chosen, horizons)
    chosen.into.mkdir(parents=True, exist_ok=True)
    write_json(chosen.into / "action-gradients.json", result)
    draw(result, chosen.into / "action-gradients.png")


if __name__ == "__main__":
    main()
