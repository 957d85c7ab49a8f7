"""Several images and vectors at once: learned, saved, loaded and drawn."""

import numpy as np
import pytest
from tiny import tiny

from reverie.errors import UserError
from reverie.report.log import read_metrics
from reverie.train.folder import load
from reverie.train.run import run

KEYS = {"left eye", "right.eye", "place", "clock"}


def test_two_images_and_two_vectors_are_learned_and_drawn(tmp_path):
    folder = run(tiny(env="py:tiny:senses", steps=60, replay_mib=8), tmp_path / "run", say=lambda line: None)
    line = next(line for line in read_metrics(folder.metrics) if "loss/world" in line)
    assert {f"loss/observation/{key}" for key in KEYS} <= set(line)
    assert {"dream-left eye.gif", "dream-right.eye.gif", "dream.png"} <= {p.name for p in folder.pictures.iterdir()}
    agent, resolved = load(folder.path, "cpu")
    env = resolved.config.env.make()
    seen, _ = env.reset(seed=0)
    assert {key: x.shape for key, x in seen.items()} == {
        "left eye": (16, 32, 3),
        "right.eye": (32, 16, 1),
        "place": (1,),
        "clock": (1,),
    }
    rows = {key: x[None] for key, x in seen.items()}
    action, _ = agent.act(rows, np.zeros(1, np.float32), np.ones(1, np.float32), agent.initial(1))
    assert env.action_space.contains(action[0])


@pytest.mark.parametrize("changes", [{"frame_stack": 2}, {"num_envs": 2, "posterior": "encode"}], ids=str)
def test_they_may_be_stacked_and_side_by_side(tmp_path, changes):
    run(tiny(env="py:tiny:senses", steps=60, replay_mib=8, **changes), tmp_path / "run", pictures=False, say=len)


def test_sides_that_cannot_be_halved_are_named_with_their_key_and_a_cure(tmp_path):
    with pytest.raises(UserError) as error:
        run(tiny(env="py:tiny:uneven", replay_mib=8), tmp_path / "run")
    assert str(error.value) == (
        "the observation 'left eye' is an image of 20 x 32, which cannot be halved 4 times: resize it to 16 x 32 "
        "(with --pixels: --size; else gymnasium.wrappers.ResizeObservation) or --encoder.cnn.stages 2 "
        "--decoder.cnn.stages 2"
    )
    assert list(tmp_path.iterdir()) == []
