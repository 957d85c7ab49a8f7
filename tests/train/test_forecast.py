"""What is said of a run before it begins."""

import re
import subprocess
import sys
import types
from dataclasses import replace

import pytest
import torch
from running import run as train
from tiny import tiny, weights

from reverie.errors import MissingExtra, UserError
from reverie.report.log import read_metrics
from reverie.train import forecast
from reverie.train.folder import RunFolder
from reverie.train.run import forecast as dry_run
from reverie.train.run import run
from reverie.train.trainer import Trainer


@pytest.fixture
def trainer(request, tmp_path):
    made = Trainer(tiny(**getattr(request, "param", {})), RunFolder(tmp_path / "run"))
    yield made
    made.close()


def test_what_is_counted(finished, trainer):
    counted = forecast.plan(tiny(), trainer)
    assert (counted.frames, counted.steps, counted.updates) == (120, 120, finished.updates)
    # a record: two float32 of the observation, one of the action, one of the reward, two flags
    assert counted.replay_mib == pytest.approx(120 * (8 + 4 + 4 + 2) / 2**20)
    record = sum(
        x.nbytes for x in trainer.collector.collect(1, forecast.RandomAct(trainer.agent.codec, Draws()))[0].values()
    )
    assert record == 8 + 4 + 4 + 2


@pytest.mark.parametrize("trainer", [{"live": True}], indirect=True)
def test_updates_of_live_stages_are_not_counted(trainer):
    counted = forecast.plan(tiny(live=True), trainer)
    assert counted.updates == 2
    assert str(counted).startswith("120 frames, 2 updates and those that there is time for while it acts, replay ")


@pytest.mark.parametrize("trainer", [{"rate": 50.0}, {"rate": 50.0, "num_envs": 2}], indirect=True)
def test_a_pace_is_what_steps_take(trainer):
    speed = forecast.Speed(step=1.0, act=0.5, choose=0.0, updates={"pretrain": 0.0, "learn": 0.0}, peak_mib=None)
    training, _ = forecast.minutes(trainer, speed)
    assert training * 60 == pytest.approx(120 / 50 / trainer.config.env.num_envs)
    # An update fits between two ticks, or is late by what does not.
    tick = 1e3 / 50 / trainer.config.env.num_envs
    for ms in (tick - 5, tick + 7):
        learned, _ = forecast.minutes(trainer, replace(speed, updates={"pretrain": 0.0, "learn": ms}))
        assert (learned - training) * 6e4 == pytest.approx(10 * max(0, 1.5 + ms - tick))
    slow, _ = forecast.minutes(trainer, replace(speed, step=100.0))
    assert slow * 60 == pytest.approx((120 * 100 + 80 * 0.5) / 1e3)


@pytest.mark.parametrize("trainer", [{"rate": 0.1}], indirect=True)
def test_measuring_waits_for_no_tick(trainer):
    assert trainer.envs.get_attr("period") == (10.0,)
    forecast.measure(trainer)
    assert trainer.envs.get_attr("period") == (0.0,)


class Draws:
    """A generator of numbers that are all the same."""

    def uniform(self, low, high, size):
        return torch.zeros(*size).numpy()


@pytest.mark.parametrize("trainer", [{"steps": 100_000, "replay_mib": 0.5}], indirect=True)
def test_a_replay_under_its_cap_is_full(trainer):
    counted = forecast.plan(tiny(steps=100_000, replay_mib=0.5), trainer)
    assert counted.replay_mib == 0.5
    assert str(counted).endswith("replay 0.5 of 0.5 MiB at the end (full: the oldest are dropped)")


def test_counting_draws_nothing_and_takes_no_step(trainer):
    before = weights(trainer.agent)
    states = [generator.get_state() for generator in trainer.generators.values()]
    draws = [draw.bit_generator.state for draw in trainer.draws.values()]
    forecast.plan(tiny(), trainer)
    assert all(torch.equal(before[name], x) for name, x in trainer.agent.state_dict().items())
    assert all(map(torch.equal, states, (generator.get_state() for generator in trainer.generators.values())))
    assert draws == [draw.bit_generator.state for draw in trainer.draws.values()]
    assert (trainer.frames, len(trainer.replay)) == (0, 0)


@pytest.mark.parametrize("trainer", [{}, {"num_envs": 2}, {"action_repeat": 2, "length": 9}], indirect=True)
def test_what_is_measured(trainer):
    speed = forecast.measure(trainer)
    assert speed.step > 0 and speed.act > 0 and speed.choose > 0 and speed.peak_mib > 10
    assert list(speed.updates) == ["pretrain", "learn"]
    assert all(ms > 0 for ms in speed.updates.values())


def test_minutes_are_sums_of_what_was_measured(trainer):
    speed = forecast.Speed(
        step=6000.0, act=12000.0, choose=0.0, updates={"pretrain": 60_000.0, "learn": 120_000.0}, peak_mib=1.0
    )
    # 120 steps of 0.1, 80 choices of 0.2, 2 + 10 updates of 1 and 2 minutes; no limit of Walk is known
    assert forecast.minutes(trainer, speed) == (pytest.approx(12 + 16 + 2 + 20), None)


@pytest.mark.parametrize("trainer", [{"episode_limit": 5, "action_repeat": 2}], indirect=True)
def test_evaluations_are_counted_where_their_length_is_known(trainer):
    speed = forecast.Speed(step=60_000.0, act=0.0, choose=30_000.0, updates={}, peak_mib=1.0)
    # at 80 and at the end; 5 agent steps, of two environments and one choice for both, and a choice in the dream
    assert forecast.minutes(trainer, speed)[1] == pytest.approx(2 * 5 * (2 * 1 + 2 * 0.5))


def test_a_run_without_evaluations_says_so(tmp_path):
    said = []
    dry_run(tiny(eval_episodes=0), tmp_path / "run", said.append)
    assert "no evaluation" in said
    assert any(line.endswith("of training, and 0.0 of evaluations") for line in said)


def test_a_dry_run_says_it_all_and_writes_nothing(tmp_path):
    said = []
    dry_run(tiny(), tmp_path / "run", said.append)
    text = "\n".join(said)
    for pattern in (
        r"^120 frames, 12 updates, replay 0\.0 of 1 MiB at the end$",
        r"^about [\d.,]+ minutes of training, evaluations not counted, for no time limit is known$",
        r"^  an agent step [\d.]+ ms, a choice [\d.]+ ms; an update: pretrain [\d.]+ ms, learn [\d.]+ ms$",
        r"^memory about [\d,]+ MiB",
    ):
        assert re.search(pattern, text, re.MULTILINE), (pattern, text)
    assert list(tmp_path.iterdir()) == []


def test_too_little_memory_is_said(trainer, monkeypatch):
    monkeypatch.setattr(forecast, "free_memory_mib", lambda: 1.0)
    assert "lower --replay-mib" in forecast.told(trainer, forecast.plan(tiny(), trainer))[-1]


def test_a_system_that_tells_no_memory_is_told_the_rest(trainer, monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    lines = forecast.told(trainer, forecast.plan(tiny(), trainer))
    assert len(lines) == 2 and lines[0].startswith("about ")


def test_a_run_is_imported_without_what_only_unix_has():
    code = "import sys; sys.modules |= {'resource': None, 'fcntl': None}; import reverie.train.run, reverie.cli.bench"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


def test_a_run_says_what_it_will_be_and_is_the_same_run(finished, tmp_path):
    said = []
    folder = run(tiny(), tmp_path / "run", pictures=False, say=said.append)
    assert said[1] == "120 frames, 12 updates, replay 0.0 of 1 MiB at the end"
    lines = [{k: v for k, v in line.items() if "seconds" not in k} for line in read_metrics(folder.metrics)]
    assert lines == finished.timeless()


@pytest.mark.parametrize("trainer", [{"env": "py:tiny:poisoned"}], indirect=True)
def test_an_environment_that_fails_while_it_is_measured_is_one_line(trainer):
    with pytest.raises(UserError, match="the environment returned an observation 'state' of nan"):
        forecast.measure(trainer, steps=60)


def test_a_missing_sink_is_known_before_anything_is_built(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    for begin in (run, dry_run):
        with pytest.raises(MissingExtra, match="wandb"):
            begin(tiny(wandb="dreams"), tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_weights_and_biases_does_not_disturb_training(finished, tmp_path, monkeypatch):
    lines = []

    class Run:
        define_metric = finish = lambda self, *_, **__: None

        def log(self, line):
            lines.append(line)

    fake = types.ModuleType("wandb")
    fake.Error, fake.Settings, fake.init = RuntimeError, dict, lambda **values: Run()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    result = train(tiny(wandb="dreams"), tmp_path / "run")
    assert result.timeless() == finished.timeless()
    assert all(torch.equal(finished.weights[name], x) for name, x in result.weights.items())
    assert [line["frames"] for line in lines] == [line["frames"] for line in finished.metrics]
