"""The laws of action-conditioned dynamics, beside those of `dynamics_laws` that hold for them as they stand.

What differs is where h looks back to. Every real state is an anchor; from it on, h knows its latent, its reward and the
actions alone. Each function raises AssertionError where a dynamics breaks the law. Latents are modes, but in "path".
"""

import dynamics_laws
import torch
from dynamics_laws import AHEAD, ROWS, STEPS, Chunk, chunk, cut, dream, part, same_trace, walk
from torch import Tensor
from torch.utils import _pytree as pytree

from laws import moved, same
from reverie.dynamics.action_conditioned import ActionConditioned
from reverie.types import Inputs, State

EVERY = slice(None)
REACH = 2
"""The reach of the dynamics that these laws are for: less than a chunk's length and than a dream's."""


def anchors(first: Tensor) -> list[list[int]]:
    """For each row, and each h_t of a chunk after an anchor, the step of that anchor: -1 is the state before the chunk.
    Where an episode begins h_t has none, told as t itself.
    """
    found = []
    for row in first.tolist():
        steps: list[int] = []
        for t, begins in enumerate(row):
            if begins:
                steps.append(t)
            elif t == 0 or row[t - 1]:
                steps.append(t - 1)
            else:
                steps.append(steps[-1] if t - steps[-1] <= REACH else t - 1)
        found.append(steps)
    return found


def dreamed(dynamics: ActionConditioned, state: State, actions: Tensor) -> Tensor:
    """h "N S D" of the dream along given actions "N S A"."""
    hs = []
    for action in actions.unbind(1):
        state = dynamics.imagine(action, state)
        hs.append(state.deter)
    return torch.stack(hs, 1)


def check_fold(dynamics: ActionConditioned, seed: int) -> None:
    """1. h_t of a chunk is that of a dream from the anchor before t along the actions that were taken."""
    embed, inputs, first, state, _ = chunk(dynamics, seed)
    trace = dynamics.observe(embed, inputs, first, state)
    for row, steps in enumerate(anchors(first)):
        here = torch.tensor([row])
        for t, anchor in enumerate(steps):
            if anchor == t:
                continue
            at = dynamics.select(state, here) if anchor < 0 else dynamics.start(trace, here, torch.tensor([anchor]))
            same(dreamed(dynamics, at, inputs.action[here, anchor + 1 : t + 1])[:, -1], trace.deter[here, t])


def check_update(dynamics: ActionConditioned, seed: int) -> None:
    """2. update equals observe on chunks of one step: h_t is a step from the state before, whatever came before that;
    z_t, q_t and the priors are those of any other schedule.
    """
    embed, inputs, first, state, ahead = chunk(dynamics, seed)
    whole = dynamics.observe(embed, inputs, first, state)
    states = walk(dynamics, embed, inputs, first, state)
    before = state
    for t, now in enumerate(states):
        one = slice(t, t + 1)
        trace = dynamics.observe(embed[:, one], cut(inputs, EVERY, one), first[:, one], before)
        same(dream(dynamics, trace.last(), ahead), dream(dynamics, now, ahead))
        same(now.reward, inputs.reward[:, t])
        going = first[:, t] == 0
        same(now.deter[going], dreamed(dynamics, before, inputs.action[:, one])[going, 0])
        before = now
    same(whole.stoch, torch.stack([s.stoch for s in states], 1))
    same(whole.prior, dynamics.prior(whole.deter))
    same(whole.posterior[:, 0], dynamics.posterior.infer(whole.deter[:, 0], embed[:, 0]))


def check_chunk(dynamics: ActionConditioned, seed: int) -> None:
    """3. wherever a chunk is cut, the state between the parts is an anchor; where it was one anyway, two equal one."""
    embed, inputs, first, state, ahead = chunk(dynamics, seed)
    first = torch.zeros_like(first)
    whole = dynamics.observe(embed, inputs, first, state)
    for t in range(1, STEPS):
        left, right = slice(None, t), slice(t, None)
        before = dynamics.observe(embed[:, left], cut(inputs, EVERY, left), first[:, left], state)
        after = dynamics.observe(embed[:, right], cut(inputs, EVERY, right), first[:, right], before.last())
        same_trace(before, part(whole, EVERY, left))
        soon = slice(t, t + REACH)
        foreseen = dreamed(dynamics, before.last(), inputs.action[:, soon])
        same(after.deter[:, :REACH], foreseen)
        if t % REACH == 0:
            same_trace(after, part(whole, EVERY, right))
            same(dream(dynamics, after.last(), ahead), dream(dynamics, whole.last(), ahead))
        else:
            moved(after.deter[:, 0], whole.deter[:, t])


def check_start(dynamics: ActionConditioned, seed: int) -> None:
    """4. a dream from (b, t) is that from the state that update reached there, and nothing that came before t moves it;
    the h of the start itself is the chunk's. The graph stays.
    """
    embed, inputs, first, state, ahead = chunk(dynamics, seed)
    trace = dynamics.observe(embed, inputs, first, state)
    states = walk(dynamics, embed, inputs, first, state)
    truth = torch.stack([dream(dynamics, state, ahead) for state in states], 1)
    rows = torch.tensor([2, 0, 1, 3, 3, 0, 2, 2])
    steps = torch.tensor([4, 0, 3, 1, 1, 4, 2, 0])
    start = dynamics.start(trace, rows, steps)
    same(start.deter, trace.deter[rows, steps])
    same(dream(dynamics, start, ahead[rows])[:, 1:], truth[rows, steps, 1:])
    assert start.deter.requires_grad == start.stoch.requires_grad == torch.is_grad_enabled()
    t = STEPS - 2
    other = embed.clone()
    other[:, :t] += 1
    wild = Inputs(inputs.action + 1, inputs.reward.clone())
    wild.reward[:, :t] += 1
    moving = dynamics.observe(other, wild, first, state._replace(stoch=state.stoch + 1, reward=state.reward + 1))
    all_rows, then = torch.arange(ROWS), torch.full((ROWS,), t)
    moved_start, still = (dynamics.start(x, all_rows, then) for x in (moving, trace))
    same(dream(dynamics, moved_start, ahead)[:, 1:], dream(dynamics, still, ahead)[:, 1:])


def check_blind(dynamics: ActionConditioned, seed: int) -> None:
    """5. an anchor's latent and reward move the h that comes next; those of the states dreamed after it move no h,
    until `reach` steps from the anchor a state becomes one itself.
    """
    *_, state, ahead = chunk(dynamics, seed)
    straight = dreamed(dynamics, state, ahead)
    for t in range(AHEAD):
        now = state
        for action in ahead[:, :t].unbind(1):
            now = dynamics.imagine(action, now)
        wild = now._replace(stoch=now.stoch + 1, reward=now.reward + 1)
        if t % REACH:
            soon = slice(t, t + REACH - t % REACH)
            same(dreamed(dynamics, wild, ahead[:, soon]), straight[:, soon])
        else:
            moved(dreamed(dynamics, wild, ahead[:, t:])[:, 0], straight[:, t])
            paid = now._replace(reward=now.reward + 1)
            reads = moved if dynamics.entry.reads_reward else same
            reads(dreamed(dynamics, paid, ahead[:, t:])[:, 0], straight[:, t])


def check_path(dynamics: ActionConditioned, seed: int) -> None:
    """6. in a dream, d h_j / d z_i = 0 for 0 < i < j; the anchor's is not. d h_j / d a_0 is
    that of the backbone's own path: what a scan from the anchor along the actions gives, no latent after it.
    """
    *_, state, ahead = chunk(dynamics, seed)
    ahead = ahead[:, :REACH].clone().requires_grad_()
    draws = torch.Generator().manual_seed(seed)
    states = [state._replace(stoch=state.stoch.clone().requires_grad_())]
    for action in ahead.unbind(1):
        states.append(dynamics.imagine(action, states[-1], draws))
    weights = torch.randn(dynamics.deter_size, generator=draws).double()
    remembers = any(leaf.numel() for leaf in pytree.tree_leaves(states[1].memory.inner))
    own = _own_path(dynamics, states[0], ahead)
    for j in range(1, REACH + 1):
        seen = (states[j].deter @ weights).sum()
        alone = (own[:, j - 1] @ weights).sum()
        wanted = [s.stoch for s in states[:j]] + [ahead]
        grads = torch.autograd.grad(seen, wanted, retain_graph=True, materialize_grads=True)
        for i, grad in enumerate(grads[1:-1], 1):
            assert (grad == 0).all(), f"h_{j} depends on the dreamed z_{i}"
        (truth,) = torch.autograd.grad(alone, ahead, retain_graph=True)
        same(grads[-1], truth)
        if remembers:
            assert grads[0].abs().max() > 1e-9, f"h_{j} does not depend on its anchor"
            assert grads[-1][:, 0].abs().max() > 1e-9, f"h_{j} does not depend on the first action"


def _own_path(dynamics: ActionConditioned, state: State, ahead: Tensor) -> Tensor:
    z = torch.zeros(ROWS, REACH, dynamics.stoch_size).double()
    reward = torch.zeros(ROWS, REACH).double()
    z[:, 0], reward[:, 0] = state.stoch.detach(), state.reward
    u = dynamics.entry(z, dynamics.entry.share(ahead, reward))
    return dynamics.backbone.scan(u, torch.zeros(ROWS, REACH).double(), dynamics.backbone.initial(ROWS))[0]


def check_causal(dynamics: ActionConditioned, seed: int) -> None:
    """7. what comes after t moves nothing up to t. By arrival: a_{t-1} moves h_t always, e_t moves q_t."""
    embed, inputs, _, state, _ = chunk(dynamics, seed)
    first = torch.zeros(ROWS, STEPS).double()
    whole = dynamics.observe(embed, inputs, first, state)
    for t in range(STEPS - 1):
        past, now = slice(None, t + 1), slice(t + 1, t + 2)
        later = pytree.tree_map(lambda x: x.clone(), Chunk(embed, inputs, first, state, embed))
        later.embed[:, t + 1 :] += 1
        later.inputs.reward[:, t + 1 :] += 1
        seen = dynamics.observe(later.embed, later.inputs, first, state)
        same_trace(part(seen, EVERY, past), part(whole, EVERY, past))
        same(seen.deter[:, now], whole.deter[:, now])
        moved(seen.posterior[:, now], whole.posterior[:, now])
        later.inputs.action[:, t + 1 :] += 1
        later.first[:, t + 2 :] = 1
        acted = dynamics.observe(embed, later.inputs, later.first, state)
        same_trace(part(acted, EVERY, past), part(whole, EVERY, past))
        moved(acted.deter[:, now], whole.deter[:, now])


LAWS = {
    "fold": check_fold,
    "update": check_update,
    "chunk": check_chunk,
    "start": check_start,
    "blind": check_blind,
    "path": check_path,
    "causal": check_causal,
    "reset": dynamics_laws.check_reset,
    "rows": dynamics_laws.check_rows,
}
