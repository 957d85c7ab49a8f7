"""Balanced draws: by visits, through eviction, and taken up to the bit."""

from collections import Counter

import numpy as np
import pytest

from reverie.data.draws import Balanced, Uniform, draws

FITTING = np.array([3, 0, 2])
OLDEST = [0, 0, 0]


def counts(of, rows, seed=0):
    streams, starts = of.draw(OLDEST, FITTING, rows, np.random.default_rng(seed))
    return Counter(zip(streams.tolist(), starts.tolist(), strict=True))


def test_the_first_batch_is_uniform_and_a_batch_does_not_count_within_itself():
    drawn = counts(Balanced(20.0), 50_000)
    assert set(drawn) == {(0, 0), (0, 1), (0, 2), (2, 0), (2, 1)}
    assert all(abs(n - 10_000) < 4 * np.sqrt(10_000 * 0.8) for n in drawn.values())


def test_a_start_drawn_n_times_weighs_exp_of_n_over_the_temperature():
    visits = {(0, 0): 0, (0, 1): 3, (0, 2): 6, (2, 0): 1, (2, 1): 12}
    balanced = Balanced(5.0)
    balanced.resume(
        {"since.0": np.array(0), "visits.0": np.array([0, 3, 6]), "since.2": np.array(0), "visits.2": np.array([1, 12])}
    )
    drawn = counts(balanced, 100_000)
    weights = {place: np.exp(-n / 5) for place, n in visits.items()}
    for place, weight in weights.items():
        chance = weight / sum(weights.values())
        assert abs(drawn[place] - 100_000 * chance) < 5 * np.sqrt(100_000 * chance * (1 - chance))


def test_what_came_late_catches_up():
    rng, fitting, balanced = np.random.default_rng(0), np.array([50]), Balanced(2.0)
    for grown in range(50, 100):
        fitting[0] = grown
        balanced.draw([0], fitting, 20, rng)
    visits = balanced.state()["visits.0"]
    # Uniform draws would give the first half about 4 times what the second half has.
    assert visits[:50].mean() < 1.5 * visits[50:90].mean()
    assert visits.sum() == 50 * 20


def test_what_is_not_counted_weighs_on_nothing():
    balanced, rng = Balanced(1.0), np.random.default_rng(0)
    for _ in range(50):
        balanced.draw([0], np.array([5]), 20, rng, counted=False)
    assert balanced.state()["visits.0"].sum() == 0


def test_many_visits_leave_some_weight():
    balanced = Balanced(0.01)
    balanced.resume({"since.0": np.array(0), "visits.0": np.array([9, 8, 800, 8, 8])})
    _, starts = balanced.draw([0], np.array([5]), 3_000, np.random.default_rng(0))
    assert set(starts.tolist()) == {1, 3, 4}


def test_counts_of_what_was_dropped_go_and_the_others_keep_theirs():
    balanced, rng = Balanced(5.0), np.random.default_rng(0)
    balanced.draw([0], np.array([10]), 100, rng)
    before = balanced.state()["visits.0"]
    streams, starts = balanced.draw([4], np.array([9]), 7, rng)
    after = balanced.state()
    drawn = np.bincount(starts, minlength=9)
    assert int(after["since.0"]) == 4 and set(streams.tolist()) == {0}
    np.testing.assert_array_equal(after["visits.0"], np.concatenate([before[4:], np.zeros(3, np.int64)]) + drawn)


def test_it_is_taken_up_to_the_bit():
    one, other = Balanced(3.0), Balanced(3.0)
    one.draw(OLDEST, FITTING, 40, np.random.default_rng(0))
    other.resume({name: x.copy() for name, x in one.state().items()})
    for seed in range(3):
        a, b = (of.draw([1, 0, 0], FITTING, 30, np.random.default_rng(seed)) for of in (one, other))
        assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize(("balance", "kind"), [(0.0, Uniform), (20.0, Balanced)])
def test_a_temperature_of_zero_is_uniform(balance, kind):
    assert type(draws(balance)) is kind
    assert not Uniform().state()
