"""Searches without a gradient."""

import numpy as np
import pytest

from reverie.behaviour.search import SEARCHES, SearchConfig
from reverie.errors import UserError

OPTIONS = [
    {"strategy": "cma", "sigma": 0.5},
    {"strategy": "cma", "sigma": 0.5, "antithetic": True},
    {"strategy": "nes", "sigma": 0.1},
    {"strategy": "nes", "sigma": 0.1, "antithetic": True},
    {"strategy": "nes", "sigma": 0.1, "rank": False},
]


def search(seed=0, size=4, **options):
    config = SearchConfig(**{"population": 20, **options})
    return SEARCHES[config.strategy](config, size, seed)


def valley(x):
    """The largest value is 0, at (1, 2, 3, 4); the axes are of different importance."""
    return -(np.array([1.0, 2.0, 5.0, 10.0]) * (x - np.arange(1.0, 5.0)) ** 2).sum(-1)


def climb(found, generations, score=valley):
    for _ in range(generations):
        found.tell(score(found.ask()))
    return found


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_summit_is_found(options):
    found = climb(search(**options), 200)
    np.testing.assert_allclose(found.mean, np.arange(1.0, 5.0), atol=0.1)


@pytest.mark.parametrize("options", [*OPTIONS, {"strategy": "cma", "population": 4, "antithetic": True}], ids=str)
def test_what_it_was_told_makes_it_again(options):
    one = climb(search(**options), 7)
    before = np.random.get_state()[1].copy()
    two = climb(search(**options), 7)
    assert (one.ask() == two.ask()).all()
    assert (one.mean == two.mean).all() and one.sigma == two.sigma
    assert (np.random.get_state()[1] == before).all()  # nobody else's numbers are used
    assert (climb(search(seed=1, **options), 7).mean != one.mean).all()


@pytest.mark.parametrize("options", [o for o in OPTIONS if o.get("rank", True)], ids=str)
def test_ranks_alone_count(options):
    plain, bent = climb(search(**options), 5), climb(search(**options), 5, lambda x: np.exp(valley(x) / 50))
    np.testing.assert_array_equal(plain.mean, bent.mean)


@pytest.mark.parametrize("options", [o for o in OPTIONS if o.get("antithetic")], ids=str)
def test_each_individual_has_one_opposite(options):
    found = search(**options)
    for _ in range(3):
        mean, asked = found.mean, found.ask()
        np.testing.assert_allclose(asked[:10] + asked[10:], np.broadcast_to(2 * mean, (10, 4)), atol=1e-9)
        found.tell(valley(asked))


def test_the_natural_gradient_by_hand():
    found = search(strategy="nes", sigma=2.0, step=0.5, population=4, size=1)
    noise = (found.ask() / 2.0)[:, 0]
    found.tell(np.array([3.0, -1.0, 7.0, 0.0]))  # ranks 2, 0, 3, 1
    utility = np.array([1 / 3, -1, 1, -1 / 3])
    assert found.mean[0] == pytest.approx(0.5 * 2.0 * (utility @ noise) / (8 / 3))


def test_without_ranks_a_return_counts_by_its_size():
    found = search(strategy="nes", sigma=2.0, step=0.5, population=4, size=1, rank=False)
    noise = (found.ask() / 2.0)[:, 0]
    found.tell(np.array([3.0, -1.0, 6.0, 0.0]))  # their mean is 2
    assert found.mean[0] == pytest.approx(0.5 * 2.0 * (np.array([1.0, -3.0, 4.0, -2.0]) @ noise) / 10)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"population": 5}, "behaviour.search.population must be even and at least 2, not 5"),
        ({"population": 2}, "behaviour.search.population must be at least 4 with cma, not 2"),
        ({"sigma": 0.0}, "behaviour.search.sigma must be positive, not 0.0"),
        ({"step": -1.0}, "behaviour.search.step must be positive, not -1.0"),
        ({"rank": False}, "behaviour.search.no-rank is for --behaviour.search.strategy nes: cma knows ranks alone"),
    ],
)
def test_values_that_make_no_sense_are_refused(values, message):
    with pytest.raises(UserError, match=message):
        SearchConfig(**values)


@pytest.mark.parametrize("changes", [{}, {"antithetic": True}, {"rank": False}], ids=str)
def test_equal_returns_move_nothing(changes):
    found = search(strategy="nes", sigma=0.1, **changes)
    for _ in range(3):
        found.ask()
        found.tell(np.zeros(20))
    assert not found.mean.any()


def test_equals_share_the_mean_of_their_ranks():
    found = search(strategy="nes", sigma=2.0, step=0.5, population=4, size=1)
    noise = (found.ask() / 2.0)[:, 0]
    found.tell(np.array([3.0, -1.0, 3.0, 0.0]))  # ranks 2.5, 0, 2.5, 1
    utility = np.array([2 / 3, -1, 2 / 3, -1 / 3])
    assert found.mean[0] == pytest.approx(0.5 * 2.0 * (utility @ noise) / (8 / 3))
