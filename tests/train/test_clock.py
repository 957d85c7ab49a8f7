"""Clocks: when something is due, and how long training took."""

import pytest

from reverie.errors import UserError
from reverie.train import clock
from reverie.train.clock import Every, Stopwatch
from reverie.train.device import choose_device


def test_due_once_for_each_interval():
    due = Every(10)
    assert [now for now in range(35) if due(now)] == [10, 20, 30]


def test_due_once_where_several_intervals_pass_at_a_time():
    due = Every(10)
    assert [due(now) for now in (9, 45, 46, 49, 50, 50, 61)] == [False, True, False, False, True, False, True]


def test_a_start_is_not_due():
    due = Every(10, start=25)
    assert [now for now in range(25, 45) if due(now)] == [30, 40]
    due = Every(10, start=30)
    assert [now for now in range(30, 45) if due(now)] == [40]


def test_a_stopwatch_leaves_out_what_is_excluded(monkeypatch):
    now = 100.0
    monkeypatch.setattr(clock.time, "perf_counter", lambda: now)
    watch = Stopwatch()
    now = 103.0
    assert (watch.seconds, watch.train_seconds) == (3, 3)
    with watch:
        now = 108.0
    assert (watch.seconds, watch.train_seconds) == (8, 3)
    with pytest.raises(KeyError), watch:
        now = 109.0
        raise KeyError
    now = 110.0
    assert (watch.seconds, watch.train_seconds) == (10, 4)


@pytest.mark.parametrize("name", ["gpu0", "cuda:99", "", "cpu:x"])
def test_an_unknown_device_is_one_message(name):
    with pytest.raises(UserError, match=f"device '{name}' cannot be used here: .*; try --device cpu") as error:
        choose_device(name)
    assert "\n" not in str(error.value)


def test_a_device_is_always_found():
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type in ("cpu", "cuda", "mps")
