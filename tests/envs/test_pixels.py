"""Drawn observations, and the terminal of a machine without a screen."""

import os
import subprocess
import sys

import numpy as np
import pytest
from counting import Counting

from reverie.envs import make, rendering
from reverie.errors import UserError

draws_opengl = pytest.mark.skipif(
    os.environ.get("MUJOCO_GL", rendering._working_backend()) not in ("egl", "osmesa"), reason="no OpenGL here"
)


def run(code: str, **environment: str) -> tuple[str, str]:
    """What a new interpreter prints, on stdout and on stderr."""
    done = subprocess.run(
        [sys.executable, "-c", f"from reverie.envs import make\n{code}"],
        capture_output=True,
        text=True,
        env={**{k: v for k, v in os.environ.items() if k not in ("MUJOCO_GL", "DISPLAY")}, **environment},
    )
    return done.stdout, done.stderr


def test_pixels_are_the_frame_after_the_step():
    env = make(lambda: Counting(render_mode="rgb_array"), pixels=True, size=8, action_repeat=2)
    seen, _ = env.reset()
    assert list(seen) == ["image"] and (seen["image"] == 0).all()
    assert (env.step(0)[0]["image"] == 2).all()


def test_pixels_of_pendulum():
    env = make("Pendulum-v1", pixels=True, size=32, frame_stack=2)
    seen, _ = env.reset(seed=0)
    image = seen["image"]
    assert image.shape == (32, 32, 6) and image.dtype == np.uint8 and env.observation_space.contains(seen)
    np.testing.assert_array_equal(image[..., :3], image[..., 3:])
    assert image[0, 0].tolist() == [255] * 6  # white ground
    red, blue = (image[..., channel].astype(int) for channel in (0, 2))
    assert (red - blue).max() > 100 and (blue - red).max() < 10  # the rod is (204, 77, 77), and nothing is blue
    np.testing.assert_array_equal(env.reset(seed=0)[0]["image"], image)
    for _ in range(5):
        seen, *_ = env.step(np.array([2.0], np.float32))
    assert (seen["image"][..., :3] != seen["image"][..., 3:]).any()
    env.close()


@draws_opengl
@pytest.mark.parametrize("name", ["dmc:cartpole-swingup", "InvertedPendulum-v5"])
def test_pixels_of_mujoco(name):
    # In an interpreter of its own: this one has imported MuJoCo for others, with whatever backend they wanted.
    out, err = run(
        f"env = make({name!r}, pixels=True, size=48, frame_stack=3)\n"
        "seen = env.reset(seed=0)[0]['image']\n"
        "print(seen.shape, seen.dtype, seen.std() > 5, env.render().shape)"
    )
    assert err == ""
    assert out.strip() == "(48, 48, 9) uint8 True (48, 48, 3)"


@draws_opengl
def test_drawing_with_both_of_mujocos_suites_ends_quietly_though_nothing_is_closed():
    kept = "[make(name, pixels=True) for name in ('dmc:cartpole-swingup', 'InvertedPendulum-v5', 'dmc:walker-walk')]"
    assert run(f"kept = {kept}\nprint(len(kept))") == ("3\n", "")


def test_no_screen_and_no_noise():
    out, err = run("import sys\nprint(sorted({'dm_control', 'shimmy', 'cv2', 'pygame', 'mujoco'} & set(sys.modules)))")
    assert (out.strip(), err) == ("[]", "")
    out, err = run(
        "make('Pendulum-v1', pixels=True).reset()\nmake('dmc:cheetah-run').reset()\nmake('HalfCheetah-v5').reset()"
    )
    assert (out, err) == ("", "")


def test_state_needs_no_opengl_and_pixels_say_so_in_one_line():
    out, err = run(
        "from reverie.errors import UserError\n"
        "for name in ('dmc:cartpole-swingup', 'InvertedPendulum-v5'):\n"
        "    print(len(make(name).reset()[0]))\n"
        "    try: make(name, pixels=True)\n"
        "    except UserError as error: print(error)\n",
        MUJOCO_GL="disabled",
    )
    lines = out.splitlines()
    assert (len(lines), lines[0], lines[2], err) == (4, "2", "1", "")
    for line in (lines[1], lines[3]):
        assert "MUJOCO_GL=disabled" in line and "MUJOCO_GL=egl" in line and "libosmesa6" in line


def test_an_unknown_backend_is_one_line():
    out, _ = run(
        "from reverie.errors import UserError\n"
        "for name in ('dmc:cartpole-swingup', 'InvertedPendulum-v5'):\n"
        "    try: make(name)\n"
        "    except UserError as error: print(error)\n",
        MUJOCO_GL="crayon",
    )
    assert [line.split(" (")[0] for line in out.splitlines()] == [
        "dm_control could not be imported with MUJOCO_GL=crayon",
        "mujoco could not be imported with MUJOCO_GL=crayon",
    ]


@pytest.mark.parametrize(
    ("libraries", "display", "chosen"),
    [([], None, "disabled"), ([], ":0", "glfw"), (["libOSMesa.so.8"], None, "osmesa")],
)
def test_the_backend_is_one_that_works(monkeypatch, libraries, display, chosen):
    monkeypatch.setattr(rendering, "_library", lambda name: object() if name in libraries else None)
    for key in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(key, raising=False)
    if display:
        monkeypatch.setenv("DISPLAY", display)
    assert rendering._working_backend() == chosen


def test_the_users_own_backend_stays(monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    rendering.prepare_mujoco()
    assert os.environ["MUJOCO_GL"] == "glfw"
    monkeypatch.setenv("SDL_VIDEODRIVER", "x11")
    rendering.prepare_pygame()
    assert os.environ["SDL_VIDEODRIVER"] == "x11"


@pytest.mark.parametrize("failure", [AttributeError("no glGetError\nand more"), ImportError("egl"), RuntimeError()])
def test_failures_to_draw_become_one_line(monkeypatch, failure):
    monkeypatch.setenv("MUJOCO_GL", "osmesa")
    with pytest.raises(UserError) as error, rendering.told_in_one_line("dmc:x", mujoco=True):
        raise failure
    line = str(error.value)
    assert line.startswith("drawing dmc:x failed with MUJOCO_GL=osmesa") and type(failure).__name__ in line
    assert "libegl1" in line and "\n" not in line
    with pytest.raises(type(failure)), rendering.told_in_one_line("x", mujoco=False):
        raise failure


@draws_opengl
@pytest.mark.parametrize("name", ["dmc:cartpole-balance", "InvertedPendulum-v5"])
def test_a_fast_look_is_nearly_the_same_picture(name):
    out, err = run(
        f"envs = [make({name!r}, pixels=True, look=look) for look in ('standard', 'fast')]\n"
        "one, other = (env.reset(seed=0)[0]['image'].astype(float) for env in envs)\n"
        "print(abs(one.mean() - other.mean()) < 5, abs(one - other).mean() < 10, (one != other).any(), other.std() > 5)"
    )
    assert err == ""
    assert out.strip() == "True True True True"


def test_a_fast_look_changes_no_physics_and_needs_no_opengl():
    out, err = run(
        "import numpy as np\n"
        "for name in ('dmc:cartpole-balance', 'InvertedPendulum-v5'):\n"
        "    for look in ('standard', 'fast'):\n"
        "        env = make(name, look=look)\n"
        "        env.reset(seed=0)\n"
        "        action = np.full(env.action_space.shape, 0.5, env.action_space.dtype)\n"
        "        print([env.step(action)[1:2] for _ in range(3)], *env.step(action)[0].values())\n",
        MUJOCO_GL="disabled",
    )
    lines = out.splitlines()
    assert (len(lines), err) == (4, "")
    assert lines[0] == lines[1] and lines[2] == lines[3]


@pytest.mark.parametrize("name", ["Pendulum-v1", "py:counting:factory"])
def test_a_fast_look_is_mujocos_alone(name):
    with pytest.raises(UserError) as error:
        make(name, look="fast")
    assert str(error.value) == f"{name} is not drawn by MuJoCo, so --look fast is not for it; leave --look out"
