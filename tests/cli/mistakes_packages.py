"""Mistakes about packages that are not installed."""

import sys

from mistake import Mistake, Place
from mistakes_environments import named

import reverie.play.page


def without(module: str):
    """As if a package were not installed."""
    return lambda at: at.patch.setitem(sys.modules, module, None)


def without_box2d(at: Place) -> None:
    """As if Box2D were not installed, though others have imported it."""
    at.patch.setitem(sys.modules, "Box2D", None)
    for name in [name for name in sys.modules if name.startswith("gymnasium.envs.box2d")]:
        at.patch.delitem(sys.modules, name)


def without_opengl(at: Place) -> None:
    """As if neither EGL nor OSMesa opened."""
    at.patch.setenv("MUJOCO_GL", "disabled")


def without_uvicorn(at: Place) -> None:
    """As if uvicorn were not installed, though others have imported it."""
    at.patch.setitem(sys.modules, "uvicorn", None)
    at.patch.delitem(sys.modules, "reverie.play.page.server", raising=False)
    at.patch.delattr(reverie.play.page, "server", raising=False)


PACKAGES = [
    named(
        "dm_control without its package",
        "dmc:cartpole-swingup",
        "dmc:cartpole-swingup needs the package 'dm_control', which is not installed: pip install 'reverie[dmc]'",
        without("dm_control.suite"),
    ),
    named(
        "dm_control without Shimmy",
        "dmc:cartpole-swingup",
        "dmc:cartpole-swingup needs the package 'shimmy', which is not installed: pip install 'reverie[dmc]'",
        without("shimmy"),
        needs=("dm_control",),
    ),
    named(
        "pixels without pygame",
        "gym:Pendulum-v1 --pixels",
        "drawing gym:Pendulum-v1 needs the package 'pygame', which is not installed: pip install 'reverie[pixels]'",
        without("pygame"),
    ),
    named(
        "pixels of another size without OpenCV",
        "py:tiny:walk --pixels --size 32",
        "resizing the image of py:tiny:walk needs the package 'opencv-python-headless', which is not installed: "
        "pip install 'reverie[pixels]'",
        without("cv2"),
    ),
    named(
        "VizDoom without its package",
        "vizdoom:TakeCover",
        "vizdoom:TakeCover needs the package 'vizdoom', which is not installed: pip install 'reverie[vizdoom]'",
        without("vizdoom"),
    ),
    named(
        "CarRacing without Box2D",
        "gym:CarRacing-v3",
        "gym:CarRacing-v3 needs the package 'box2d', which is not installed: pip install 'reverie[box2d]'",
        without_box2d,
    ),
    named(
        "Weights & Biases without its package",
        "gym:Pendulum-v1 --wandb project",
        "--wandb needs the package 'wandb', which is not installed: pip install 'reverie[wandb]'",
        without("wandb"),
    ),
    Mistake(
        "the page without its packages",
        "dream run",
        "reverie dream needs the package 'uvicorn', which is not installed: pip install 'reverie[web]'",
        without_uvicorn,
    ),
    named(
        "pixels of MuJoCo without OpenGL",
        "dmc:cartpole-swingup --pixels",
        "drawing dmc:cartpole-swingup needs OpenGL, and MUJOCO_GL=disabled (chosen for you where neither EGL nor "
        "OSMesa opens): set MUJOCO_GL=egl (apt install libegl1) or MUJOCO_GL=osmesa (apt install libosmesa6); "
        "learning from state needs neither",
        without_opengl,
        needs=("dm_control", "shimmy"),
    ),
]
