"""The laws again, on the whole Dynamics: at `first` the latent and the action must forget too. Latents are modes.

Each function raises AssertionError where a composition of backbone, posterior and latent family breaks the law.
"""

from typing import NamedTuple

import torch
from backbones import ACTION, EMBED
from torch import Tensor
from torch.utils import _pytree as pytree

from laws import moved, same
from reverie.dynamics.dynamics import Dynamics
from reverie.types import Inputs, State, Trace

ROWS, STEPS, AHEAD = 4, 5, 3


class Chunk(NamedTuple):
    """Embeddings "B T E", inputs and beginnings of a chunk, the state before it, and actions to dream with."""

    embed: Tensor
    inputs: Inputs
    first: Tensor
    state: State
    ahead: Tensor


def chunk(dynamics: Dynamics, seed: int) -> Chunk:
    """Random experience that follows a state in which nothing is zero; episodes begin inside, in row 1 at once."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    first = (torch.rand(ROWS, STEPS, generator=generator) < 0.3).double()
    first[0], first[1, 0] = 0, 1
    state = dynamics.initial(ROWS)
    for _ in range(2):
        state = dynamics.update(draw(ROWS, EMBED), Inputs(draw(ROWS, ACTION), draw(ROWS)), torch.zeros(ROWS), state)
    state = pytree.tree_map(lambda x: x.detach(), state)
    state = state._replace(stoch=state.stoch + draw(*state.stoch.shape))  # a wild one: no latent family gives it
    inputs = Inputs(draw(ROWS, STEPS, ACTION), draw(ROWS, STEPS))
    return Chunk(draw(ROWS, STEPS, EMBED), inputs, first, state, draw(ROWS, AHEAD, ACTION))


def cut(inputs: Inputs, *index: slice | Tensor) -> Inputs:
    """Rows and steps of inputs."""
    return Inputs(inputs.action[index], inputs.reward[index])


def walk(dynamics: Dynamics, embed: Tensor, inputs: Inputs, first: Tensor, state: State) -> list[State]:
    """The states that `update` gives, step by step: what a real environment's steps would do."""
    states = []
    for step in range(embed.shape[1]):
        state = dynamics.update(embed[:, step], cut(inputs, slice(None), step), first[:, step], state)
        states.append(state)
    return states


def dream(dynamics: Dynamics, state: State, ahead: Tensor) -> Tensor:
    """deter and stoch of the dream along given actions: all that can be known of a state."""
    seen = [torch.cat(state.features, -1)]
    for action in ahead.unbind(1):
        state = dynamics.imagine(action, state)
        seen.append(torch.cat(state.features, -1))
    return torch.stack(seen, 1)


def same_trace(a: Trace, b: Trace) -> None:
    """Every tensor of two traces but their histories."""
    for left, right in zip(a[:-1], b[:-1], strict=True):
        same(left, right)


def part(trace: Trace, *index: slice | Tensor) -> Trace:
    """Rows and steps of a trace, without its history."""
    return Trace(*[x[index] for x in trace[:-1]], trace.history)


def check_fold(dynamics: Dynamics, seed: int) -> None:
    """1. observe equals repeated update."""
    embed, inputs, first, state, ahead = chunk(dynamics, seed)
    trace = dynamics.observe(embed, inputs, first, state)
    states = walk(dynamics, embed, inputs, first, state)
    same(trace.deter, torch.stack([s.deter for s in states], 1))
    same(trace.stoch, torch.stack([s.stoch for s in states], 1))
    same(trace.reward, torch.stack([s.reward for s in states], 1))
    same(dream(dynamics, trace.last(), ahead), dream(dynamics, states[-1], ahead))
    same(trace.prior, dynamics.prior(trace.deter))
    for step in range(STEPS):
        same(trace.posterior[:, step], dynamics.posterior.infer(trace.deter[:, step], embed[:, step]))


def check_chunk(dynamics: Dynamics, seed: int) -> None:
    """2. two chunks through Trace.last() equal one."""
    embed, inputs, first, state, ahead = chunk(dynamics, seed)
    whole = dynamics.observe(embed, inputs, first, state)
    for t in range(1, STEPS):
        left, right = slice(None, t), slice(t, None)
        every = slice(None)
        before = dynamics.observe(embed[:, left], cut(inputs, every, left), first[:, left], state)
        after = dynamics.observe(embed[:, right], cut(inputs, every, right), first[:, right], before.last())
        same_trace(before, part(whole, every, left))
        same_trace(after, part(whole, every, right))
        same(dream(dynamics, after.last(), ahead), dream(dynamics, whole.last(), ahead))


def check_causal(dynamics: Dynamics, seed: int) -> None:
    """3. what comes after t moves nothing up to t. By arrival: a_{t-1} moves h_t; e_t moves q_t, but h_{t+1} at the
    soonest; r_t too, because h_t must not know the reward that is read from it.
    """
    embed, inputs, _, state, _ = chunk(dynamics, seed)
    first = torch.zeros(ROWS, STEPS).double()
    whole = dynamics.observe(embed, inputs, first, state)
    every = slice(None)
    for t in range(STEPS - 1):
        late, past, now = slice(t + 1, None), slice(None, t + 1), slice(t + 1, t + 2)
        seen, acted, paid, begun = embed.clone(), inputs.action.clone(), inputs.reward.clone(), first.clone()
        seen[:, late] += 1
        acted[:, late] += 1
        paid[:, late] += 1
        begun[:, late] = 1

        by_first = dynamics.observe(embed, inputs, begun, state)
        by_action = dynamics.observe(embed, Inputs(acted, inputs.reward), first, state)
        by_reward = dynamics.observe(embed, Inputs(inputs.action, paid), first, state)
        by_sight = dynamics.observe(seen, inputs, first, state)
        for changed in (by_first, by_action, by_reward, by_sight):
            same_trace(part(changed, every, past), part(whole, every, past))
        moved(by_first.deter[:, now], whole.deter[:, now])
        moved(by_action.deter[:, now], whole.deter[:, now])
        moved(by_sight.posterior[:, now], whole.posterior[:, now])
        for changed in (by_sight, by_reward):
            same(changed.deter[:, now], whole.deter[:, now])
            same(changed.prior[:, now], whole.prior[:, now])
        if dynamics.entry.reads_reward and t + 2 < STEPS:
            moved(by_reward.deter[:, t + 2], whole.deter[:, t + 2])


def check_reset(dynamics: Dynamics, seed: int) -> None:
    """4. at `first` the latent, the action, the reward and the memory that enter are those of `initial`.

    The reward of arriving at `first` is another's: it enters with the step after.
    """
    embed, inputs, first, state, ahead = chunk(dynamics, seed)
    for t in range(STEPS):
        begun, still = first.clone(), inputs.action.clone()
        begun[:, t] = 1
        still[:, t] = 0
        on = slice(t, None)
        begins = dynamics.observe(embed, inputs, begun, state)
        quiet = Inputs(still[:, on], inputs.reward[:, on])
        fresh = dynamics.observe(embed[:, on], quiet, first[:, on], dynamics.initial(ROWS))
        same_trace(part(begins, slice(None), on), fresh)
        same(dream(dynamics, begins.last(), ahead), dream(dynamics, fresh.last(), ahead))
    nothing = Inputs(torch.zeros(ROWS, ACTION).double(), inputs.reward[:, 0])
    wild = dynamics.update(embed[:, 0], cut(inputs, slice(None), 0), torch.ones(ROWS), state)
    calm = dynamics.update(embed[:, 0], nothing, torch.zeros(ROWS), dynamics.initial(ROWS))
    same(dream(dynamics, wild, ahead), dream(dynamics, calm, ahead))


def check_start(dynamics: Dynamics, seed: int) -> None:
    """5. a dream from start(trace, rows, steps) is that from the state that update reached there; the graph stays."""
    embed, inputs, first, state, ahead = chunk(dynamics, seed)
    trace = dynamics.observe(embed, inputs, first, state)
    states = walk(dynamics, embed, inputs, first, state)
    truth = torch.stack([dream(dynamics, state, ahead) for state in states], 1)
    rows = torch.tensor([2, 0, 1, 3, 3, 0, 2, 2])
    steps = torch.tensor([4, 0, 3, 1, 1, 4, 2, 0])
    start = dynamics.start(trace, rows, steps)
    same(dream(dynamics, start, ahead[rows]), truth[rows, steps])
    assert start.deter.requires_grad == start.stoch.requires_grad == torch.is_grad_enabled()


def check_rows(dynamics: Dynamics, seed: int) -> None:
    """6. each row is alone: chosen rows, in any order and repeated, give the chosen rows of the trace."""
    embed, inputs, first, state, ahead = chunk(dynamics, seed)
    trace = dynamics.observe(embed, inputs, first, state)
    for chosen in ([2, 0, 3, 1], [3, 3, 0], [1]):
        rows = torch.tensor(chosen)
        picked = dynamics.observe(embed[rows], cut(inputs, rows), first[rows], dynamics.select(state, rows))
        same_trace(picked, part(trace, rows))
        same(dream(dynamics, picked.last(), ahead[rows]), dream(dynamics, trace.last(), ahead)[rows])


LAWS = {
    "fold": check_fold,
    "chunk": check_chunk,
    "causal": check_causal,
    "reset": check_reset,
    "start": check_start,
    "rows": check_rows,
}
