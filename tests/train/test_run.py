"""A whole run: what it counts, what it writes, and that it repeats to the bit."""

import json
import math

import pytest
import torch
from running import CLOCKS, run
from tiny import Walk, tiny

from reverie.train.folder import RunFolder
from reverie.train.run import draw  # noqa: F401  (imported early: its libraries warn only once)
from reverie.train.trainer import Trainer


def assert_equal(one, other):
    assert set(one) == set(other)
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=0, atol=0, msg=name)


def differ(one, other):
    return {name for name in one if not torch.equal(one[name], other[name])}


def test_the_same_seed_gives_the_same_run(finished, tmp_path):
    again = run(tiny(), tmp_path / "again")
    assert_equal(again.weights, finished.weights)
    assert again.timeless() == finished.timeless()
    assert len(again.metrics) > 4


@pytest.mark.parametrize("parts", [{"latent": "categorical", "posterior": "encode"}, {"num_envs": 2}], ids=str)
def test_other_parts_repeat_as_well(parts, tmp_path):
    # What others draw from torch's own generator is of no concern.
    torch.manual_seed(1)
    first = run(tiny(**parts), tmp_path / "first")
    torch.manual_seed(2)
    again = run(tiny(**parts), tmp_path / "again")
    assert_equal(again.weights, first.weights)
    assert again.timeless() == first.timeless()


def test_another_seed_gives_another_run(finished, tmp_path):
    other = run(tiny(seed=1), tmp_path / "other")
    assert differ(other.weights, finished.weights) >= {"world.reward.mlp.0.weight", "behaviour.actor.mlp.0.weight"}
    assert other.evaluations()[-1]["eval/returns"] != finished.evaluations()[-1]["eval/returns"]


def test_torchs_own_generator_is_left_alone(tmp_path):
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    run(tiny(steps=60, prefill=40), tmp_path / "run")
    assert torch.equal(torch.random.get_rng_state(), before)


def test_evaluation_does_not_disturb_training(finished, tmp_path):
    rare = run(tiny(eval_every=1000), tmp_path / "rare")
    assert len(rare.evaluations()) == 1 < len(finished.evaluations())
    assert_equal(rare.weights, finished.weights)
    often = run(tiny(eval_every=9, eval_episodes=3), tmp_path / "often")
    assert len(often.evaluations()) > 5
    assert_equal(often.weights, finished.weights)


def test_logging_does_not_disturb_training(finished, tmp_path):
    # Diagnosis costs extra, but draws nothing.
    assert_equal(run(tiny(log_every=1), tmp_path / "log").weights, finished.weights)


def test_frames_are_those_of_training_alone(finished):
    assert finished.frames == 120
    training, *evaluating = finished.walks
    assert training.taken == 120
    assert [walk.taken for walk in evaluating] == [2 * 10, 2 * 10]  # two evaluations of 10 steps in each


@pytest.mark.parametrize(("repeat", "envs"), [(2, 1), (5, 1), (2, 2)])
def test_frames_are_agent_steps_times_action_repeat(tmp_path, repeat, envs):
    result = run(tiny(action_repeat=repeat, num_envs=envs, steps=160, prefill=40, pretrain=3), tmp_path / "run")
    assert result.frames == 160
    assert sum(walk.taken for walk in result.walks[:envs]) == 160
    # 3 of pretraining, and one for each 8 agent steps: (160 - 40) / repeat / 8
    assert result.updates == 3 + 120 // repeat // 8
    assert result.metrics[-1]["frames"] == 160


def test_prefill_is_random_and_comes_first(tmp_path):
    seen = []

    def watch(trainer):
        act = trainer.act

        def asked(*known):
            seen.append((trainer.frames, trainer.learner.updates))
            return act(*known)

        trainer.act = asked

    run(tiny(), tmp_path / "run", watch)
    # The agent is asked from frame 40 on, after the 2 updates of pretraining; once for each step and each reset.
    assert seen[0] == (40, 2)
    assert len(seen) == 80 + 8


def test_updates_and_evaluations_come_when_they_are_due(finished):
    assert finished.updates == 2 + (120 - 40) // 8
    assert [line["frames"] for line in finished.evaluations()] == [80, 120]
    logged = [line for line in finished.metrics if "loss/world" in line]
    assert [line["updates"] for line in logged] == [4, 8, 12]
    assert [line["frames"] for line in logged] == [56, 88, 120]


def test_a_line_of_metrics_has_the_fixed_names(finished):
    line = next(line for line in finished.metrics if "loss/world" in line)
    fixed = {"frames", "updates", *CLOCKS, "kl", "entropy", "value/mean", "return/dreamed", "reward/error"}
    losses = {"world", "actor", "critic", "reward", "continue", "dynamics", "representation", "observation/state"}
    gradients = {"grad/world", "grad/actor", "grad/critic"}
    assert fixed | gradients | {f"loss/{name}" for name in losses} <= set(line)
    assert {"replay/records", "replay/mib", "train/return"} <= set(line)
    evaluation = finished.evaluations()[-1]
    assert {"frames", "updates", *CLOCKS, "eval/return", "eval/returns", "eval/dreamed", "eval/length"} == set(
        evaluation
    )


def test_every_line_is_json_of_its_own(finished):
    lines = finished.folder.metrics.read_text().splitlines()
    assert [set(json.loads(line)) for line in lines] == [set(line) for line in finished.metrics]


class Rising(Walk):
    """A walk that pays 1 for its first step, then 2, up to 10."""

    def step(self, action):
        seen, _, _, truncated, info = super().step(action)
        return seen, float(self.now), False, truncated, info


def rising():
    return Rising()


@pytest.mark.parametrize("changes", [{}, {"prefill": 400, "steps": 420, "replay_mib": 0.002}], ids=["held", "dropped"])
def test_the_reward_is_measured_on_the_whole_prefill(changes, tmp_path):
    units = []

    def watch(trainer):
        act = trainer.act
        trainer.act = lambda *seen: (units.append(float(trainer.agent.world.preprocess.reward_unit)), act(*seen))[1]

    run(tiny(env="py:test_run:rising", **{"steps": 60} | changes), tmp_path / "run", watch)
    # Whole episodes, each of a reset that pays nothing and of ten steps: (0 + 1 + 4 + .. + 100) / 11 = 35.
    assert set(units) == {units[0]} and units[0] == pytest.approx(math.sqrt(35))


def test_progress_is_told_in_plain_lines(finished):
    assert "\x1b" not in finished.output
    assert "80 frames" in finished.output
    assert "120 frames" in finished.output


def test_environments_are_closed_whatever_happens(tmp_path):
    trainer = Trainer(tiny(), RunFolder(tmp_path))
    trainer.close()
    assert trainer.envs.closed
    assert list(tmp_path.iterdir()) == []  # making a trainer writes nothing
