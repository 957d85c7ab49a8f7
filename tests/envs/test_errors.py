"""Every mistake that a user can make is one line, which names the value and, where there is one, the cure."""

import sys

import jaxtyping
import numpy as np
import pytest
from counting import Counting
from gymnasium import spaces

from reverie.envs import EnvConfig, frame, make, make_vector
from reverie.errors import MissingExtra, UserError


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Pendulum-v7", "unknown Gymnasium environment 'Pendulum-v7'; did you mean 'Pendulum-v1'?"),
        ("gym:Pendullum-v1", "unknown Gymnasium environment 'Pendullum-v1'; did you mean 'Pendulum-v1'?"),
        ("gym:zzz", "unknown Gymnasium environment 'zzz': gymnasium.pprint_registry() lists"),
        (
            "gym:no_such_module:Pendulum-v1",
            "gym:no_such_module:Pendulum-v1: there is no module 'no_such_module'",
        ),
        ("dmc:cartpole-swing", "unknown dm_control task 'cartpole-swing'; did you mean 'cartpole-swingup'?"),
        ("dmc:cartpole_balance", "unknown dm_control task 'cartpole_balance'; did you mean 'cartpole-balance'?"),
        ("dcm:cartpole-swingup", "unknown suite 'dcm'; did you mean 'dmc'?"),
        ("unity:x", "unknown suite 'unity'; known: ale, dmc, gym, memory, py, vizdoom"),
        ("dmc:", "'dmc:' names no task"),
        ("py:counting", "'py:counting' should read py:package.module:factory"),
        ("py:no_such_module:make", "py:no_such_module:make: there is no module 'no_such_module'"),
        ("py:counting.inner:make", "py:counting.inner:make: there is no module 'counting.inner'"),
        ("py:counting:factori", "unknown function of 'counting' 'factori'; did you mean 'factory'?"),
        ("py:counting:number", "unknown function of 'counting' 'number'"),
        ("py:counting:demanding", "py:counting:demanding cannot be called without arguments: missing"),
        ("py:counting:nothing", "py:counting:nothing made a builtins.NoneType, not a gymnasium.Env"),
    ],
)
def test_names(name, message):
    with pytest.raises(UserError) as error:
        make(name)
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


def test_a_module_that_needs_another_says_which(tmp_path, monkeypatch):
    (tmp_path / "needy.py").write_text("import no_such_module_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="'needy' needs the module 'no_such_module_at_all', which is not installed"):
        make("py:needy:make")


def test_a_function_is_found_in_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "found_here.py").write_text("from counting import factory\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])
    assert make("py:found_here:factory").reset()[0]["state"].shape == (2,)


@pytest.mark.parametrize(
    ("hidden", "name", "kwargs", "package", "extra"),
    [
        ("dm_control.suite", "dmc:cartpole-swingup", {}, "dm_control", "dmc"),
        ("shimmy", "dmc:cartpole-swingup", {}, "shimmy", "dmc"),
        ("pygame", "Pendulum-v1", {"pixels": True}, "pygame", "pixels"),
        ("cv2", "py:counting:factory", {"pixels": True}, "opencv-python-headless", "pixels"),
    ],
)
def test_missing_packages(monkeypatch, hidden, name, kwargs, package, extra):
    monkeypatch.setitem(sys.modules, hidden, None)
    with pytest.raises(MissingExtra) as error:
        make(name, **kwargs)
    assert f"needs the package '{package}', which is not installed: pip install 'reverie[{extra}]'" in str(error.value)


@pytest.mark.parametrize("hidden", ["pygame", "cv2"])
def test_state_needs_no_pixel_package(monkeypatch, hidden):
    monkeypatch.setitem(sys.modules, hidden, None)
    assert set(make("Pendulum-v1").reset()[0]) == {"state"}


def test_action_spaces():
    with pytest.raises(UserError, match=r"the action space Text\(.*\) is not supported"):
        make(lambda: Counting(action_space=spaces.Text(3)))
    with pytest.raises(UserError, match="infinite bound"):
        make(lambda: Counting(action_space=spaces.Box(-np.inf, np.inf, (1,))))


@pytest.mark.parametrize("space", [spaces.Sequence(spaces.Discrete(2)), spaces.Text(3), spaces.Dict()])
def test_observation_spaces(space):
    with pytest.raises(UserError) as error:
        make(lambda: Counting(space))
    assert str(space) in str(error.value)


def test_a_key_of_a_dict_is_named():
    with pytest.raises(UserError, match=r"the observation 'words' has the space Text"):
        make(lambda: Counting(spaces.Dict(words=spaces.Text(3))))


def test_an_environment_that_draws_nothing():
    with pytest.raises(UserError, match=r"py:counting:blind cannot be observed as pixels: its render_mode is None"):
        make("py:counting:blind", pixels=True)
    with pytest.raises(UserError, match="Counting draws no image: its render_mode is None"):
        frame(make(Counting))


def test_an_environment_is_closed_where_it_cannot_be_used():
    closed = []

    class Refused(Counting):
        def close(self):
            closed.append(self)

    with pytest.raises(UserError):
        make(lambda: Refused(action_space=spaces.Text(3)))
    assert len(closed) == 1


@pytest.fixture
def unchecked():
    """Without runtime type checks, where the tests run with them: most users have none."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"env": ""}, "--env is empty"),
        ({"action_repeat": 0}, "--action-repeat must be at least 1, not 0"),
        ({"size": 0}, "--size must be at least 1, not 0"),
        ({"frame_stack": -1}, "--frame-stack must be at least 1, not -1"),
        ({"episode_limit": -2}, "--episode-limit must not be negative, not -2"),
        ({"num_envs": 0}, "--num-envs must be at least 1, not 0"),
        ({"vector": "asink"}, "unknown vector 'asink'; did you mean 'async'?"),
    ],
)
def test_configuration(change, message):
    with pytest.raises(UserError) as error:
        EnvConfig(**{"env": "Pendulum-v1", **change})
    assert str(error.value).startswith(message)


@pytest.mark.usefixtures("unchecked")
def test_arguments():
    with pytest.raises(UserError, match="frame_stack must be at least 1, not 0"):
        make(Counting, frame_stack=0)
    with pytest.raises(UserError, match="num_envs must be at least 1, not 0"):
        make_vector([])
    with pytest.raises(UserError, match="unknown vector 'threads'"):
        make_vector([Counting], "threads")


def test_what_an_id_makes_may_fail(tmp_path, monkeypatch):
    (tmp_path / "failing.py").write_text(
        "import gymnasium\ndef fail():\n    raise ValueError('no simulator')\ngymnasium.register('Fails-v0', fail)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match=r"gym:Fails-v0 could not be made \(.*no simulator.*failing.py:3\): mend"):
        make("gym:failing:Fails-v0")


def test_an_id_may_name_the_module_that_registers_it(tmp_path, monkeypatch):
    (tmp_path / "registering.py").write_text(
        "import gymnasium\ngymnasium.register('Counted-v0', 'counting:Counting', max_episode_steps=2)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    env = make("gym:registering:Counted-v0")
    env.reset()
    assert [env.step(0)[2:4] for _ in range(2)] == [(False, False), (False, True)]
