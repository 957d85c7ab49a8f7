"""TWM's losses against slow computations, and where their gradients go."""

import math

import pytest
import torch
from small import ROWS, STEPS, generator, make_batch, make_world

from reverie.errors import UserError
from reverie.world.objective import Filtering, FilteringConfig
from reverie.world.two_models import PREDICTED, TwoModels, TwoModelsConfig

NAMES = {"observation/eye", "observation/speed", "reward", "continue", "dynamics", "entropy", "consistency"}


def losses_of(world, batch, **changes):
    objective = TwoModels(TwoModelsConfig(**changes), world)
    experience, losses = objective(world, batch, world.initial(ROWS), generator())
    return experience.trace, losses


def encoding():
    return make_world("categorical", "encode")


def chances(parameters):
    """Probabilities "G C" of one state, with the uniform's share."""
    return [[0.99 * p + 0.01 / 3 for p in torch.softmax(group, -1).tolist()] for group in parameters.view(2, 3)]


def test_losses_are_named_unreduced_and_weighted():
    _, losses = losses_of(encoding(), make_batch(), entropy=7.0, consistency=11.0, dynamics=13.0)
    assert set(losses) == NAMES
    assert {tuple(loss.value.shape) for loss in losses.values()} == {(ROWS, STEPS)}
    assert [losses[name].weight for name in ("entropy", "consistency", "dynamics")] == [7, 11, 13]


def test_what_is_seen_and_rewarded_is_scored_as_in_filtering():
    world, batch = encoding(), make_batch()
    _, losses = losses_of(world, batch)
    _, others = Filtering(FilteringConfig(), world)(world, batch, world.initial(ROWS), generator())
    for name in NAMES & set(others) - {"dynamics"}:
        torch.testing.assert_close(losses[name].value[:, 1:], others[name].value[:, 1:])


def test_nothing_is_predicted_of_a_chunks_first_step_unless_an_episode_begins_there():
    world, batch = encoding(), make_batch()
    _, losses = losses_of(world, batch, entropy_floor=1.0)
    batch.first[0, 0] = 1
    _, begun = losses_of(world, batch, entropy_floor=1.0)
    for name in PREDICTED:
        assert not losses[name].value[:, 0].any()
        assert begun[name].value[0, 0] != 0
        assert not begun[name].value[1:, 0].any()
    for name in NAMES - set(PREDICTED):
        assert losses[name].value[:, 0].all()


def test_mismatch_and_entropy_by_slow_computation():
    trace, losses = losses_of(encoding(), make_batch(), entropy_floor=1.0)
    for b in range(ROWS):
        for t in range(1, STEPS):
            q, p = chances(trace.posterior[b, t]), chances(trace.prior[b, t])
            pairs = [(x, y) for ours, theirs in zip(q, p, strict=True) for x, y in zip(ours, theirs, strict=True)]
            forth = sum(x * math.log(x / y) for x, y in pairs)
            back = sum(y * math.log(y / x) for x, y in pairs)
            spread = -sum(x * math.log(x) for x, _ in pairs) / (2 * math.log(3))
            assert losses["dynamics"].value[b, t].item() == pytest.approx(forth, rel=1e-4)
            assert losses["consistency"].value[b, t].item() == pytest.approx(back, rel=1e-4)
            assert losses["entropy"].value[b, t].item() == pytest.approx(1 - spread, rel=1e-4)


def test_varied_latents_owe_nothing():
    _, losses = losses_of(encoding(), make_batch(), entropy_floor=0.0)
    assert losses["entropy"].value.abs().max() == 0


@pytest.mark.parametrize(
    ("name", "moved", "still"),
    [
        ("dynamics", "dynamics.prior_net", "dynamics.posterior"),
        ("consistency", "dynamics.posterior", "dynamics.prior_net"),
        ("entropy", "dynamics.posterior", "dynamics.prior_net"),
    ],
)
def test_each_side_of_the_mismatch_is_held_still(name, moved, still):
    world, batch = encoding(), make_batch()
    batch.first[:, 0] = 1
    _, losses = losses_of(world, batch, entropy_floor=1.0)
    # From an episode's first step alone: there no latent before it has a share in h.
    first = losses[name].value[:, 0].sum()

    def pulled(module):
        weights = list(world.get_submodule(module).parameters())
        gradients = torch.autograd.grad(first, weights, retain_graph=True, allow_unused=True)
        return any(g is not None and g.abs().max() > 0 for g in gradients)

    assert pulled(moved)
    assert not pulled(still)


@pytest.mark.parametrize("name", ["vector", "image", "reward", "continuation", "dynamics", "entropy", "consistency"])
def test_a_negative_weight_is_refused(name):
    with pytest.raises(UserError, match=f"objective.{name} must not be negative, not -1"):
        TwoModelsConfig(**{name: -1.0})


def test_a_floor_is_a_share():
    with pytest.raises(UserError, match=r"objective.entropy-floor must be in \[0, 1\], not 2"):
        TwoModelsConfig(entropy_floor=2.0)
