"""The other families of policies: the clipped normal, and one-hot groups."""

import math
from itertools import product

import pytest
import torch

from reverie.behaviour.actor import Actor, ActorConfig
from reverie.nets.mlp import MLPConfig
from reverie.types import Actions, Features

FEATURES = Features(torch.tensor([[0.3, -0.2]]), torch.tensor([[1.0]]))
GROUPS = pytest.mark.parametrize("groups", [(4,), (2, 2), (3, 1, 2)], ids=str)


def actor(actions, **changes):
    torch.manual_seed(3)
    return Actor(ActorConfig(mlp=MLPConfig(layers=1, units=8, norm="none"), **changes), 2, 1, actions)


def one_hot(groups, **changes):
    return actor(Actions(sum(groups), groups), **changes)


def rows(number):
    return Features(*[part.expand(number, -1) for part in FEATURES])


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def every(groups):
    """All the classes that there are to choose, "n G"."""
    return torch.tensor(list(product(*map(range, groups))))


def probabilities(policy, groups, unimix):
    """Of each class of each group: softmax, mixed with the uniform, written for one group at a time."""
    parts = policy(FEATURES)[0].split(groups)
    return [(1 - unimix) * torch.exp(x) / torch.exp(x).sum() + unimix / len(x) for x in parts]


def bounded(size=1, **changes):
    return actor(Actions(size), normal="bounded", **changes)


@GROUPS
@pytest.mark.parametrize("unimix", [0.0, 0.01, 0.3])
def test_probabilities_are_a_products_and_sum_to_one(groups, unimix):
    policy, choices = one_hot(groups, unimix=unimix), every(groups)
    choice = policy.choose(rows(len(choices)), choices)
    expected = probabilities(policy, groups, unimix)
    for row, classes in enumerate(choices.tolist()):
        joint = math.prod(float(p[c].detach()) for p, c in zip(expected, classes, strict=True))
        assert choice.log_prob[row].item() == pytest.approx(math.log(joint), abs=1e-5)
    assert choice.log_prob.exp().sum().item() == pytest.approx(1, abs=1e-5)
    entropy = -(choice.log_prob.exp() * choice.log_prob).sum().item()
    torch.testing.assert_close(choice.entropy, torch.full_like(choice.entropy, entropy))


@GROUPS
def test_draws_are_one_hot_and_as_likely_as_they_should_be(groups):
    policy = one_hot(groups)
    with torch.no_grad():
        policy.mlp[-1].weight.mul_(4)  # far from uniform
        action, classes = policy.draw(rows(20_000), draws())
        again = policy.choose(rows(20_000), classes)
    assert torch.equal(again.action, action)
    for part, chosen, p in zip(action.split(groups, -1), classes.T, probabilities(policy, groups, 0.01), strict=True):
        assert torch.equal(part, torch.nn.functional.one_hot(chosen, len(p)).float())
        torch.testing.assert_close(part.mean(0), p.detach(), atol=0.015, rtol=0)  # standard error 0.0035 at most


@GROUPS
@pytest.mark.parametrize(("uniform", "end"), [(0.0, 0), (1 - 2**-24, -1)])
def test_the_ends_of_the_uniform_draw_a_class_that_can_be(groups, uniform, end, monkeypatch):
    policy = one_hot(groups, unimix=0.5)
    monkeypatch.setattr(torch.Tensor, "uniform_", lambda self, generator=None: self.fill_(uniform))
    _, classes = policy.draw(FEATURES, draws())
    assert classes.tolist() == [[range(width)[end] for width in groups]]


@GROUPS
def test_the_gradient_is_straight_through(groups):
    policy = one_hot(groups)
    pull = torch.randn(sum(groups), generator=draws())
    classes = every(groups)[-1:]
    got = torch.autograd.grad((policy.choose(FEATURES, classes).action * pull).sum(), list(policy.parameters()))
    soft = torch.cat(probabilities(policy, groups, 0.01))
    expected = torch.autograd.grad((soft * pull).sum(), list(policy.parameters()))
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other)


@GROUPS
def test_no_probability_is_below_its_share_of_the_uniform(groups):
    policy, choices = one_hot(groups, unimix=0.2), every(groups)
    with torch.no_grad():
        policy.mlp[-1].weight.mul_(1000)
        log_prob = policy.choose(rows(len(choices)), choices).log_prob
    assert log_prob.min().item() == pytest.approx(sum(math.log(0.2 / n) if n > 1 else 0.0 for n in groups), abs=1e-4)


@GROUPS
@pytest.mark.parametrize("unimix", [0.0, 0.01])
def test_the_gradients_of_a_certain_policy_are_finite(groups, unimix):
    policy, choices = one_hot(groups, unimix=unimix), every(groups)
    with torch.no_grad():
        policy.mlp[-1].bias.mul_(10_000)
    choice = policy.choose(rows(len(choices)), choices)
    total = choice.log_prob.sum() + choice.entropy.sum() + choice.action.square().sum()
    assert all(torch.isfinite(g).all() for g in torch.autograd.grad(total, list(policy.parameters())))


@GROUPS
def test_the_mode_is_the_likeliest_choice(groups):
    policy, choices = one_hot(groups), every(groups)
    choice = policy.choose(rows(len(choices)), choices)
    torch.testing.assert_close(policy.mode(FEATURES)[0], choice.action[choice.log_prob.argmax()])


def test_epsilon_explores_uniformly():
    def explored(epsilon):
        policy = one_hot((3, 2), epsilon=epsilon)
        with torch.no_grad():
            policy.mlp[-1].bias.copy_(torch.tensor([50.0, 0.0, 0.0, 50.0, 0.0]))
            return policy.explore(rows(20_000), draws())

    # 0.01 of the uniform is always there, epsilon of it comes on top: 1 - 0.9 * 0.99 = 0.109
    for epsilon, uniform in ((0.0, 0.01), (0.1, 0.109), (1.0, 1.0)):
        mean = explored(epsilon).mean(0)
        expected = torch.tensor([1 - uniform * 2 / 3, uniform / 3, uniform / 3, 1 - uniform / 2, uniform / 2])
        torch.testing.assert_close(mean, expected, atol=0.015, rtol=0)


@pytest.mark.parametrize("normal", ["tanh", "bounded"])
def test_the_log_probability_is_that_of_the_action_held_still(normal):
    """Its mean gradient, the score's, is zero, and that of reward times it is the reward's."""
    policy = actor(Actions(1), normal=normal)
    choice = policy.choose(rows(200_000), torch.randn(200_000, 1, generator=draws()))
    mean = torch.autograd.grad(choice.log_prob.mean(), policy.mlp[-1].bias, retain_graph=True)[0]
    torch.testing.assert_close(mean, torch.zeros(2), atol=0.01, rtol=0)
    reward = choice.action.detach().square().squeeze(-1)
    score = torch.autograd.grad((reward * choice.log_prob).mean(), policy.mlp[-1].bias, retain_graph=True)[0]
    path = torch.autograd.grad(choice.action.square().mean(), policy.mlp[-1].bias)[0]
    if normal == "tanh":  # what is clipped has a biased gradient through the action
        torch.testing.assert_close(score, path, atol=0.01, rtol=0)


FAMILIES = [(Actions(2), {"normal": normal}) for normal in ("tanh", "bounded")] + [(Actions(5, (3, 2)), {})]


@pytest.mark.parametrize(("actions", "changes"), [*FAMILIES, (Actions(2), {"normal": "fading"})], ids=str)
def test_under_its_own_parameters_an_action_is_as_likely_as_when_it_was_chosen(actions, changes):
    policy = actor(actions, **changes)
    parameters = policy(rows(6))
    _, noise = policy.policy.draw(parameters.detach(), draws())
    choice = policy.policy.choose(parameters, noise)
    again = policy.policy.log_prob(parameters, noise, parameters)
    torch.testing.assert_close(again, choice.log_prob)
    one, other = (torch.autograd.grad(x.sum(), policy.mlp[-1].bias, retain_graph=True)[0] for x in (again, choice[1]))
    torch.testing.assert_close(one, other)  # the score: the action is held still


@pytest.mark.parametrize(("actions", "changes"), FAMILIES, ids=str)
def test_under_other_parameters_the_action_is_the_same(actions, changes):
    """The mean of a reward under the new policy is that of the ratio times the reward, under the old one."""
    policy = actor(actions, **changes)
    old = policy(rows(200_000)).detach()
    worth = torch.tensor([1.0, -1.0, 0.5, -0.5, 1.0])
    new = old + 0.3 * worth[: old.shape[-1]]
    action, noise = policy.policy.draw(old, draws())
    ratio = (policy.policy.log_prob(new, noise, old) - policy.policy.log_prob(old, noise, old)).exp()
    assert ratio.mean().item() == pytest.approx(1, abs=4 * ratio.std().item() / 200_000**0.5)
    reward = action @ worth[: actions.size]
    there = policy.policy.draw(new, draws(1))[0] @ worth[: actions.size]
    error = ((ratio * reward).var() + there.var()).sqrt().item() / 200_000**0.5
    assert (ratio * reward).mean().item() == pytest.approx(there.mean().item(), abs=4 * error)
    assert abs(reward.mean() - there.mean()) > 20 * error


@pytest.mark.parametrize("shift", [0.0, 9.0])
def test_the_tanh_normals_log_probability_of_a_given_action(shift):
    """N(x; mean, std) / (1 - tanh(x)^2) in double precision, even where the action itself is rounded to 1."""
    policy = actor(Actions(1), normal="tanh")
    old, new = torch.tensor([[0.4 + shift, -2.0]]), torch.tensor([[-0.1 + shift, -1.5]])
    noise = torch.tensor([[-0.7]])
    (old_mean, old_std), (mean, std) = (map(float, policy.policy.moments(p)) for p in (old, new))
    x = old_mean + old_std * -0.7
    assert (math.tanh(x) > 1 - 1e-6) == (shift > 0)
    normal = -0.5 * ((x - mean) / std) ** 2 - math.log(std * math.sqrt(2 * math.pi))
    expected = normal + 2 * math.log(math.cosh(x))
    assert policy.policy.log_prob(new, noise, old).item() == pytest.approx(expected, abs=1e-4)


def test_the_clipped_normal_by_hand():
    policy = bounded(2, min_std=0.2, max_std=0.7)
    m, s = policy(FEATURES)[0].detach().chunk(2)
    mean, std = torch.tanh(m), 0.2 + 0.5 * torch.sigmoid(s + 2)
    noise = torch.tensor([[0.1, 4.0]])
    choice = policy.choose(FEATURES, noise)
    raw = mean + std * noise[0]
    assert raw[1] > 1
    torch.testing.assert_close(choice.action[0], torch.stack([raw[0], torch.tensor(1.0)]))
    normal = torch.distributions.Normal(mean, std)
    torch.testing.assert_close(choice.log_prob[0], normal.log_prob(raw).sum())
    torch.testing.assert_close(choice.entropy[0], normal.entropy().sum())
    torch.testing.assert_close(policy.mode(FEATURES)[0], mean)


def test_the_clipped_normals_entropy_is_the_mean_of_its_log_probability():
    policy = bounded(2)
    choice = policy.choose(rows(200_000), torch.randn(200_000, 2, generator=draws()))
    error = choice.log_prob.std().item() / 200_000**0.5
    assert -choice.log_prob.mean().item() == pytest.approx(choice.entropy[0].item(), abs=4 * error)
    assert choice.action.abs().max() == 1


def test_at_the_bounds_the_gradient_shrinks_and_does_not_vanish():
    policy = bounded()
    gradients = []
    for noise in (0.0, 5.0):
        choice = policy.choose(FEATURES, torch.tensor([[noise]]))
        gradients.append(torch.autograd.grad(choice.action.sum(), policy.mlp[-1].bias)[0][0].item())
    mean, std = policy.policy.moments(policy(FEATURES))
    assert gradients[1] == pytest.approx(gradients[0] / (mean + 5 * std).item(), rel=1e-4)


@pytest.mark.parametrize("actions", [Actions(3, (3,)), Actions(2)])
def test_a_small_last_layer_starts_near_the_uniform(actions):
    plain, small = (actor(actions, out_scale=scale)(FEATURES) for scale in (1.0, 0.01))
    torch.testing.assert_close(small, 0.01 * plain)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"min_std": 0.5, "max_std": 0.4}, "actor.min-std must be in (0, actor.max-std = 0.4), not 0.5"),
        ({"unimix": 1.0}, "actor.unimix must be in [0, 1), not 1.0"),
        ({"epsilon": 1.5}, "actor.epsilon must be in [0, 1], not 1.5"),
        ({"out_scale": -1.0}, "actor.out-scale must not be negative, not -1.0"),
    ],
)
def test_values_that_make_no_sense(change, message):
    with pytest.raises(ValueError) as error:
        ActorConfig(**change)
    assert str(error.value) == message
