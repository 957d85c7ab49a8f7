"""`reverie faceoff`: several worlds on the same data."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from command import call

from reverie.agents.parts import PARTS
from reverie.cli.faceoff import FaceOff
from reverie.envs.make import EnvConfig
from reverie.errors import UserError
from reverie.train import faceoff
from reverie.train.faceoff import Ring, Terms, contender, cost, errors, face
from reverie.train.sources import open_source

WORDS = (
    "faceoff --env py:tiny:walk --backbones gru s5 --frames 40 --length 5 --updates 2 --steps 1 3 --context 2 "
    "--episodes 2 --lengths 4 8 --batch-steps 16 --repeats 1 --into out"
)


def terms(**changes):
    values = {"frames": 60, "length": 5, "updates": 1, "behaviour_updates": 0, "steps": (1, 3), "context": 2}
    values |= {"env": EnvConfig(env="py:tiny:walk"), "episodes": 2, "seed": 0, "device": "cpu"}
    return Terms(**values | changes)


def test_what_is_measured_is_told_written_and_not_measured_again(capsys):
    outcome = call(capsys, *WORDS.split(), "--behaviour-updates", "1")
    assert outcome.code == 0, outcome.err
    book = json.loads(Path("out/faceoff.json").read_text())
    assert list(book["worlds"]) == ["gru", "s5"]
    for name, world in book["worlds"].items():
        assert [row["length"] for row in world["costs"]] == [4, 8]
        assert all(row["update_ms"] > 0 and row["dream_ms"] > 0 for row in world["costs"])
        assert len(world["error"]) == len(world["reward_error"]) == len(world["returns"]) == 2
        assert f"| {name} | {world['parameters']:,} |" in outcome.out
    assert Path("out/faceoff.png").stat().st_size > 1000
    before = Path("out/faceoff.json").read_bytes()
    again = call(capsys, *WORDS.split(), "--behaviour-updates", "1")
    assert again.out == outcome.out
    assert Path("out/faceoff.json").read_bytes() == before


def test_worlds_learn_from_what_a_run_collected(capsys, trained):
    shutil.copytree(trained.path, "data")
    outcome = call(capsys, *WORDS.split(), "--data", "data", "--backbones", "gru", "--lengths", "4")
    assert outcome.code == 0, outcome.err
    assert json.loads(Path("out/faceoff.json").read_text())["terms"]["data"] == ["data"]
    rings = [Ring(here, contender(here, "gru", 5, 2)) for here in (terms(data=("data",)), terms())]
    collected = sum(len(episode) for episode in open_source("data").episodes())
    recorded, played = (ring.replay for ring in rings)
    assert len(recorded) == collected != len(played)


def test_backbones_may_be_told_with_commas_and_underscores():
    chosen = FaceOff(env=EnvConfig(env="py:tiny:walk"), backbones=("gru,transformer_xl", "s5,"))
    assert chosen.backbones == ("gru", "transformer-xl", "s5")


def test_other_threads_are_other_terms(capsys):
    assert call(capsys, *WORDS.split()).code == 0
    assert "was made by other terms" in call(capsys, *WORDS.split(), "--threads", "2").err


def test_environments_side_by_side_hold_whole_chunks():
    few = terms(env=EnvConfig(env="py:tiny:walk", num_envs=3))
    assert cost(few, "gru", 8, 16, 1).update_ms > 0


def test_other_terms_need_another_folder(capsys):
    Path("out").mkdir()
    Path("out/faceoff.json").write_text(json.dumps({"terms": {"frames": 1}, "worlds": {}}))
    outcome = call(capsys, *WORDS.split())
    assert outcome.code == 2
    assert outcome.err == (
        "reverie: out/faceoff.json was made by other terms; name another folder by --into, or move it away\n"
    )


def test_all_learn_from_the_same_steps():
    rings = [Ring(terms(), contender(terms(), name, 5, 2)) for name in ("gru", "attention", "s5")]
    batches = [ring.replay.sample(4, np.random.default_rng(0)) for ring in rings]
    for batch in batches[1:]:
        for one, other in ((batch.action, batches[0].action), (batch.reward, batches[0].reward)):
            assert one.equal(other)
    means = [ring.agent.world.preprocess.state_dict() for ring in rings]
    assert all(x.equal(means[0][name]) for mean in means[1:] for name, x in mean.items())


def test_the_world_learns_and_then_the_behaviour_alone():
    ring = Ring(terms(), contender(terms(), "gru", 5, 2))
    for stage, moves in ((ring.world(), "world"), (ring.behaviour(), "behaviour")):
        before = {name: x.clone() for name, x in ring.agent.state_dict().items()}
        ring.learn(stage, 1)
        changed = {n.split(".")[0] for n, x in ring.agent.state_dict().items() if not x.equal(before[n])}
        assert changed == {moves}


def test_every_backbone_can_come():
    for name in PARTS["backbone"]:
        inside = contender(terms(), name, 7, 2).config.backbone
        assert getattr(inside, "window", 7) == 7


def test_episodes_that_are_too_short_are_told_before_anything_is_learned(monkeypatch):
    monkeypatch.setattr(Ring, "learn", None)
    with pytest.raises(
        UserError, match="--context 2 and --steps 900 need episodes of 902 records, and one of the held"
    ):
        face(terms(steps=(1, 900)), "gru")


def test_where_nothing_is_paid_there_is_no_share_of_the_reward(monkeypatch):
    loop = SimpleNamespace(
        truth={"state": np.zeros((2, 5, 1))},
        error=lambda key, mean: {"dream": np.ones(3), "mean": np.full(3, 2.0)},
        dreamed_reward=np.ones((2, 5)),
        reward=np.zeros((2, 5)),
    )
    monkeypatch.setattr(faceoff, "open_loop", lambda *_: loop)
    error, reward = errors(None, [], terms())
    assert error == [0.5, 0.5]
    assert np.isnan(reward).all()
