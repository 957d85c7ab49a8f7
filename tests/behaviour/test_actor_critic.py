"""The losses of actor and critic against the papers' formulas, written as plain loops; and where gradients go."""

import math

import pytest
import torch
from chain import ACTIONS, Chain
from linear_quadratic import LinearQuadratic
from program import Program

from reverie.behaviour.actor import ActorConfig
from reverie.behaviour.actor_critic import ActorCritic, ActorCriticConfig
from reverie.nets.mlp import MLPConfig
from reverie.nets.optimiser import OptimiserConfig
from reverie.types import Batch, Experience, Features, Trace, total
from reverie.world.heads import HeadConfig

HORIZON, GAMMA, LAMBDA, ENTROPY, MIX, REGULARISER = 3, 0.9, 0.8, 0.05, 0.3, 0.7
ROWS, TIME = 2, 7
HIDDEN = MLPConfig(layers=1, units=6, norm="none", activation="tanh")
SHARES = {"score": 0.0, "dynamics": 1.0, "both": MIX}
GRADIENTS = pytest.mark.parametrize("gradient", SHARES)
WORLDS = pytest.mark.parametrize("kind", [LinearQuadratic, Chain])
FIRST = torch.tensor([[1.0, 0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 1, 0]])
TERMINAL = torch.tensor([[0.0, 0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 1]])
"""An episode that ends by itself, one that is cut short, and one that ends with its chunk."""


def seen(world, graph=False):
    """A chunk with boundaries in it, whose latents may stand for a world's graph."""
    draw = torch.Generator().manual_seed(5)
    deter = torch.rand(ROWS, TIME, world.sizes[0], generator=draw)
    stoch = torch.rand(ROWS, TIME, world.sizes[1], generator=draw)
    if isinstance(world, Chain):
        stoch = stoch / stoch.sum(-1, keepdim=True)
    reward = 3 * torch.randn(ROWS, TIME, generator=draw)
    batch = Batch({}, torch.zeros(ROWS, TIME, world.sizes[2].size), reward, FIRST, TERMINAL)
    trace = Trace(deter, stoch.requires_grad_(graph), reward, stoch, stoch, None)  # type: ignore[arg-type]
    return Experience(batch, trace)


def make(world, **changes):
    torch.manual_seed(0)
    values = {
        "actor": ActorConfig(mlp=HIDDEN, normal="bounded"),
        "critic": HeadConfig(mlp=HIDDEN),
        "actor_optimiser": OptimiserConfig(lr=1e-2),
        "critic_optimiser": OptimiserConfig(lr=1e-2),
        "horizon": HORIZON,
        "starts": 0,
        "gamma": GAMMA,
        "lambda_": LAMBDA,
        "entropy": ENTROPY,
        "mix": MIX,
        "regulariser": REGULARISER,
    }
    config = ActorCriticConfig(**{**values, **changes})
    behaviour = ActorCritic(config, *world.sizes)
    torch.nn.init.normal_(behaviour.critic.target.mlp[-1].weight)  # it starts at zero, where it would say nothing
    torch.nn.init.normal_(behaviour.critic.value.mlp[-1].weight)
    return behaviour, config


def judged(parameters, noise, continuous):
    """log pi of what was chosen, held still, and the entropy, for one state: parameters "P"."""
    if continuous:
        mean, std = torch.tanh(parameters[0]), 0.1 + 0.9 * torch.sigmoid(parameters[1] + 2)
        held = (mean + std * noise[0]).detach()
        log_prob = -0.5 * ((held - mean) / std) ** 2 - torch.log(std) - 0.5 * math.log(2 * math.pi)
        return log_prob, 0.5 * math.log(2 * math.pi * math.e) + torch.log(std)
    log_prob, entropy = 0.0, 0.0
    for x, chosen in zip(parameters.split(ACTIONS.groups), noise, strict=True):
        p = 0.99 * torch.exp(x) / torch.exp(x).sum() + 0.01 / len(x)
        log_prob = log_prob + torch.log(p[chosen])
        entropy = entropy - sum(q * torch.log(q) for q in p)
    return log_prob, entropy


class Dreamt:
    """The dream of `loss`, drawn again with its whole graph: lists over steps."""

    def __init__(self, world, behaviour, experience, seed=0):
        generator = torch.Generator().manual_seed(seed)
        rows = torch.arange(ROWS).repeat_interleave(TIME)
        steps = torch.arange(TIME).repeat(ROWS)
        state = world.start(experience.trace, rows, steps)
        state = state._replace(deter=state.deter.detach(), stoch=state.stoch.detach())
        self.features, self.log_prob, self.entropy, self.going = [state.features], [], [], 1 - TERMINAL.flatten()
        continuous = isinstance(world, LinearQuadratic)
        for _ in range(HORIZON):
            before = Features(state.deter.detach(), state.stoch.detach())
            _, noise = behaviour.actor.draw(before, generator)
            parameters, choice = behaviour.actor(before), behaviour.actor.choose(before, noise)
            pairs = [judged(p, noise[n], continuous) for n, p in enumerate(parameters)]
            self.log_prob.append([pair[0] for pair in pairs])
            self.entropy.append([pair[1] for pair in pairs])
            state = world.imagine(choice.action, state)
            self.features.append(state.features)
        self.reward = [world.reward(f) for f in self.features[1:]]
        self.go_on = [world.continue_(f) for f in self.features[1:]]


def slow_losses(world, behaviour, experience, share, bootstrap):
    """Policy and value losses "N H" and the returns, one state at a time."""
    dreamt = Dreamt(world, behaviour, experience)
    net = behaviour.critic.value if bootstrap == "value" else behaviour.critic.target
    value = [net(f) for f in dreamt.features]
    count = len(dreamt.going)
    returns = [[None] * HORIZON for _ in range(count)]
    for n in range(count):
        ahead = value[HORIZON][n]
        for i in reversed(range(HORIZON)):
            discount = GAMMA * dreamt.go_on[i][n]
            ahead = dreamt.reward[i][n] + discount * ((1 - LAMBDA) * value[i + 1][n] + LAMBDA * ahead)
            returns[n][i] = ahead
    flat = sorted(float(g.detach()) for row in returns for g in row)

    def percentile(share):
        place = share * (len(flat) - 1)
        low = math.floor(place)
        return flat[low] + (place - low) * (flat[min(low + 1, len(flat) - 1)] - flat[low])

    ends = (percentile(0.05), percentile(0.95))
    scale = max(1.0, ends[1] - ends[0])
    policy, critic = [], []
    for n in range(count):
        weight, policy_row, critic_row = dreamt.going[n], [], []
        for i in range(HORIZON):
            f = Features(dreamt.features[i].deter[n].detach(), dreamt.features[i].stoch[n].detach())
            goal = returns[n][i]
            advantage = ((goal - value[i][n]) / scale).detach()
            gain = share * goal / scale + (1 - share) * dreamt.log_prob[i][n] * advantage
            policy_row.append(-weight * (gain + ENTROPY * dreamt.entropy[i][n]))
            v, slow = behaviour.critic.value(f), behaviour.critic.target(f).detach()
            error = 0.5 * (v - goal.detach()) ** 2 + REGULARISER * 0.5 * (v - slow) ** 2
            critic_row.append(weight * error)
            weight = weight * GAMMA * dreamt.go_on[i][n].detach()
        policy.append(torch.stack(policy_row))
        critic.append(torch.stack(critic_row))
    return torch.stack(policy), torch.stack(critic), torch.stack([torch.stack(row) for row in returns]), ends


def gradients(loss, *modules):
    weights = [p for module in modules for p in module.parameters()]
    return torch.autograd.grad(loss, weights, retain_graph=True)


def agree(one, other):
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5)


@WORLDS
@GRADIENTS
@pytest.mark.parametrize("bootstrap", ["value", "target"])
def test_the_losses_of_a_dream_are_those_of_the_formulas(kind, gradient, bootstrap):
    world = kind()
    world.going = 0.8  # of the chain every cell goes on
    behaviour, _ = make(world, gradient=gradient, bootstrap=bootstrap)
    experience = seen(world)
    policy, value, returns, ends = slow_losses(world, behaviour, experience, SHARES[gradient], bootstrap)
    losses, metrics = behaviour.loss(world, experience, torch.Generator().manual_seed(0))
    agree([losses["behaviour/policy"].value, losses["behaviour/value"].value], [policy, value])
    agree([metrics["return/dreamed"], behaviour.ends], [returns.detach().mean(), torch.tensor(ends)])
    actor, critic = behaviour.actor, behaviour.critic.value
    agree(gradients(losses["behaviour/policy"].value.mean(), actor), gradients(policy.mean(), actor))
    agree(gradients(losses["behaviour/value"].value.mean(), critic), gradients(value.mean(), critic))


def slow_replay(world, behaviour, experience, boot):
    """The replay loss "B T", one step at a time, as DreamerV3's code has it: `last` cuts the return, and its weight."""
    reward = experience.batch.reward
    loss = torch.zeros(ROWS, TIME)
    for b in range(ROWS):
        ahead = boot[b][TIME - 1]
        for t in reversed(range(TIME - 1)):
            arrived_last = t + 2 >= TIME or FIRST[b, t + 2] == 1
            trust = 0.0 if arrived_last else LAMBDA
            go_on = GAMMA * (1 - TERMINAL[b, t + 1])
            ahead = reward[b, t + 1] + go_on * ((1 - trust) * boot[b][t + 1] + trust * ahead)
            if FIRST[b, t + 1] == 1:
                continue  # the last step of an episode: what follows it is another's
            f = Features(experience.trace.deter[b, t], experience.trace.stoch[b, t])
            v, slow = behaviour.critic.value(f), behaviour.critic.target(f).detach()
            loss[b, t] = 0.5 * (v - ahead) ** 2 + REGULARISER * 0.5 * (v - slow) ** 2
    return loss


@pytest.mark.parametrize("starts", [0, 5])
@GRADIENTS
def test_the_replay_loss_is_that_of_the_formulas(starts, gradient):
    world = LinearQuadratic()
    behaviour, _ = make(world, gradient=gradient, starts=starts)
    experience = seen(world, graph=True)
    judged = behaviour._judge(world, experience, torch.Generator().manual_seed(0))
    boot = behaviour.critic.value(experience.trace.features).detach().tolist()
    for n, (b, t) in enumerate(zip(judged.imagined.rows.tolist(), judged.imagined.steps.tolist(), strict=True)):
        boot[b][t] = float(judged.returns[n, 0])
    assert len(judged.returns) == (starts or ROWS * TIME)
    expected = slow_replay(world, behaviour, experience, boot)
    losses, _ = behaviour.loss(world, experience, torch.Generator().manual_seed(0))
    got = losses["behaviour/replay"]
    assert got.weight == 0.3
    agree([got.value], [expected])
    agree(gradients(got.value.mean(), behaviour.critic.value), gradients(expected.mean(), behaviour.critic.value))
    of_world = [
        torch.autograd.grad(x.mean(), experience.trace.stoch, retain_graph=True)[0] for x in (got.value, expected)
    ]
    agree(of_world[:1], of_world[1:])
    assert of_world[0].abs().max() > 0


@WORLDS
@GRADIENTS
def test_policy_and_value_leave_the_world_alone(kind, gradient):
    world = kind()
    behaviour, _ = make(world, gradient=gradient)
    experience = seen(world, graph=True)
    losses, _ = behaviour.loss(world, experience, torch.Generator().manual_seed(0))
    for name in ("behaviour/policy", "behaviour/value"):
        loss = losses[name].value.mean()
        sources = [experience.trace.stoch, *world.parameters()]
        assert all(g is None for g in torch.autograd.grad(loss, sources, retain_graph=True, allow_unused=True))
    assert all(p.requires_grad for p in world.parameters())
    assert all(p.requires_grad for p in behaviour.critic.value.parameters())
    # Each loss reaches its own network alone.
    actor, critic = list(behaviour.actor.parameters()), list(behaviour.critic.value.parameters())
    for name, others in (("policy", critic), ("value", actor), ("replay", actor)):
        loss = losses[f"behaviour/{name}"].value.mean()
        assert all(g is None for g in torch.autograd.grad(loss, others, retain_graph=True, allow_unused=True))


def test_without_a_graph_there_is_nothing_to_learn():
    world = LinearQuadratic()
    behaviour, _ = make(world)
    with torch.no_grad():
        assert behaviour.loss(world, seen(world), torch.Generator()) == ({}, {})


def test_a_weight_of_zero_drops_the_replay_loss():
    world = LinearQuadratic()
    behaviour, _ = make(world, replay=0.0)
    losses, _ = behaviour.loss(world, seen(world), torch.Generator())
    assert set(losses) == {"behaviour/policy", "behaviour/value"}


def test_auto_is_the_score_for_one_hot_actions_and_the_dynamics_for_others():
    for world, gradient in ((Chain(), "score"), (LinearQuadratic(), "dynamics")):
        experience, losses = seen(world), []
        for name in ("auto", gradient):
            behaviour, _ = make(world, gradient=name)
            losses.append(behaviour.loss(world, experience, torch.Generator().manual_seed(0))[0])
            losses[-1] = gradients(total(losses[-1]), behaviour.actor)
        agree(*losses)


@pytest.mark.parametrize(("every", "moves"), [(1, [1, 1, 1, 1, 1]), (3, [1, 0, 0, 1, 0])])
def test_the_target_moves_now_and_then(every, moves):
    world = LinearQuadratic()
    behaviour, config = make(world, target_every=every, target_rate=0.5)
    program = Program(behaviour, config)
    for move in moves:
        before = [p.clone() for p in behaviour.critic.target.parameters()]
        program.update(world, seen(world))
        for old, now, fast in zip(
            before, behaviour.critic.target.parameters(), behaviour.critic.value.parameters(), strict=True
        ):
            torch.testing.assert_close(now, (old + fast) / 2 if move else old)


@GRADIENTS
def test_what_a_terminal_start_dreams_is_of_no_concern(gradient):
    world = LinearQuadratic()
    behaviour, _ = make(world, gradient=gradient)
    losses, _ = behaviour.loss(world, seen(world), torch.Generator().manual_seed(0))
    for name in ("policy", "value"):
        value = losses[f"behaviour/{name}"].value
        assert (value[TERMINAL.flatten() == 1] == 0).all()
        assert (value[TERMINAL.flatten() == 0] != 0).all()
