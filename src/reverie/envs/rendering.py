"""Rendering without a screen: which OpenGL backend MuJoCo uses, a quiet pygame, and failures told in one line."""

import atexit
import contextlib
import ctypes
import importlib
import os
import sys
import weakref
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
from gymnasium.error import DependencyNotInstalled
from jaxtyping import UInt8

from reverie.errors import MissingExtra, UserError, in_one_line

CURE = (
    "set MUJOCO_GL=egl (apt install libegl1) or MUJOCO_GL=osmesa (apt install libosmesa6); "
    "learning from state needs neither"
)
_NO_BACKEND = ("disabled", "disable", "off", "false", "0")
_EXTRAS = {
    "pygame": ("pygame", "pixels"),
    "cv2": ("opencv-python-headless", "pixels"),
    "mujoco": ("mujoco", "dmc"),
    "glfw": ("glfw", "dmc"),
    "Box2D": ("box2d", "box2d"),
}
_drawn: weakref.WeakSet[gymnasium.Env] = weakref.WeakSet()


def prepare_pygame() -> None:
    """Keep pygame silent, and let it draw where there is no screen; what the user has set stays as it is."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    if sys.platform == "linux" and not _has_display():
        # SDL otherwise complains on stderr about XDG_RUNTIME_DIR and about ALSA.
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
        os.environ.setdefault("SDL_AUDIODRIVER", "dummy")


def prepare_mujoco() -> None:
    """Choose MuJoCo's OpenGL backend before it is imported, where the user has not (MUJOCO_GL).

    dm_control's own search takes the first backend whose Python module imports. Without a screen that is glfw, which
    then dies at the first frame; without libEGL the search itself dies, although learning from state draws nothing.
    """
    if sys.platform == "linux" and "MUJOCO_GL" not in os.environ and "dm_control._render" not in sys.modules:
        os.environ["MUJOCO_GL"] = _working_backend()


def uses_mujoco(env: gymnasium.Env) -> bool:
    """True where the environment draws with MuJoCo, through Gymnasium or through dm_control."""
    inner = env.unwrapped
    return type(inner).__module__.startswith("shimmy.dm_control") or "mujoco_renderer" in vars(inner)


def prepare_to_draw(env: gymnasium.Env, name: str) -> None:
    """Before the first frame: a quiet pygame; UserError where MuJoCo has nothing to draw with.

    Asked first, because MuJoCo and Gymnasium leave more than one traceback on the terminal when they try.
    """
    prepare_pygame()
    if not uses_mujoco(env) or sys.platform != "linux":
        return
    if backend() in _NO_BACKEND:
        raise UserError(
            f"drawing {name} needs OpenGL, and MUJOCO_GL={backend()} (chosen for you where neither EGL nor OSMesa "
            f"opens): {CURE}"
        )
    if backend() == "glfw" and not _has_display():
        raise UserError(f"drawing {name} with MUJOCO_GL=glfw needs a screen, and DISPLAY is not set: {CURE}")


def close_at_exit(env: gymnasium.Env) -> None:
    """After the first frame: MuJoCo's OpenGL contexts must go before their display does, or the exit is noisy."""
    inner = env.unwrapped
    if uses_mujoco(env) and inner not in _drawn:
        _drawn.add(inner)
        # Registered anew, to run before whatever has just been imported closes the display.
        atexit.unregister(_close_drawn)
        atexit.register(_close_drawn)


@contextlib.contextmanager
def told_in_one_line(name: str, *, mujoco: bool) -> Iterator[None]:
    """Around anything that draws: turns a missing package or OpenGL library into one line which names the cure.

    Raises MissingExtra for a package, UserError for a backend of MuJoCo that does not work; the rest passes through.
    """
    try:
        yield
    except UserError:
        raise
    except DependencyNotInstalled as error:
        raise missing_package(error, f"drawing {name}") from error
    except Exception as error:  # dm_control and PyOpenGL raise AttributeError, ImportError, RuntimeError, FatalError ..
        if not mujoco:
            raise
        raise UserError(f"drawing {name} failed with MUJOCO_GL={backend()} ({in_one_line(error)}): {CURE}") from error


def backend() -> str:
    """The OpenGL backend that MuJoCo was told to use."""
    return os.environ.get("MUJOCO_GL", "(unset)")


def missing_package(error: DependencyNotInstalled, purpose: str) -> UserError:
    """Gymnasium's complaint about a missing package, as ours where one of our extras brings it."""
    cause = error.__cause__
    module = (cause.name or "").partition(".")[0] if isinstance(cause, ImportError) else ""
    if module in _EXTRAS:
        package, extra = _EXTRAS[module]
        return MissingExtra(package, extra, purpose)
    return UserError(f"{purpose}: {in_one_line(error).partition(': ')[2]}")


def frame(env: gymnasium.Env) -> UInt8[np.ndarray, "height width 3"]:
    """One image of the environment as it stands, as `render` draws it.

    Raises UserError where the environment does not draw images, MissingExtra where the package that draws is missing.
    """
    inner: Any = env.unwrapped
    name = env.spec.id if env.spec is not None else type(inner).__name__
    if env.render_mode != "rgb_array":
        raise UserError(f"{name} draws no image: its render_mode is {env.render_mode!r}, not 'rgb_array'")
    prepare_to_draw(env, name)
    with told_in_one_line(name, mujoco=uses_mujoco(env)):
        image = env.render()
    close_at_exit(env)
    return np.ascontiguousarray(image)  # MuJoCo's images are views from the bottom up


def _close_drawn() -> None:
    for env in list(_drawn):
        with contextlib.suppress(Exception):
            env.close()


def _has_display() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _working_backend() -> str:
    if _egl_opens():
        return "egl"
    if any(_library(name) for name in ("libOSMesa.so.8", "libOSMesa.so.6", "libOSMesa.so")):
        return "osmesa"
    return "glfw" if _has_display() else "disabled"


def _library(name: str) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None


def _egl_opens() -> bool:
    """True where a display opens on one of EGL's devices, which is what MuJoCo asks for (EGL_EXT_platform_device)."""
    egl = _library("libEGL.so.1")
    if egl is None:
        return False
    egl.eglGetProcAddress.restype = ctypes.c_void_p
    query, platform_display = (
        egl.eglGetProcAddress(name) for name in (b"eglQueryDevicesEXT", b"eglGetPlatformDisplayEXT")
    )
    if not query or not platform_display:
        return False
    devices, found = (ctypes.c_void_p * 16)(), ctypes.c_int(0)
    pointer, integer = ctypes.c_void_p, ctypes.c_int
    ctypes.CFUNCTYPE(integer, integer, pointer, pointer)(query)(len(devices), devices, ctypes.byref(found))
    open_display = ctypes.CFUNCTYPE(pointer, integer, pointer, pointer)(platform_display)
    egl.eglInitialize.argtypes = [pointer, pointer, pointer]
    egl_platform_device = 0x313F
    displays = (open_display(egl_platform_device, devices[i], None) for i in range(found.value))
    return any(display and egl.eglInitialize(display, None, None) for display in displays)


class FastLook(gymnasium.Wrapper[Any, Any, Any, Any]):
    """MuJoCo drawn without shadows, reflections and multisampling, which on a CPU cost most of a picture's time.

    What is switched off belongs to the model, which every renderer reads at its first picture or at each: no OpenGL
    context is opened here, and nothing of the physics changes. Raises UserError where the environment is not MuJoCo's.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], name: str) -> None:
        if not uses_mujoco(env):
            raise UserError(f"{name} is not drawn by MuJoCo, so --look fast is not for it; leave --look out")
        super().__init__(env)
        self._simplify()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; some tasks of dm_control compile a new model for each."""
        result = self.env.reset(seed=seed, options=options)
        self._simplify()
        return result

    def _simplify(self) -> None:
        inner: Any = self.unwrapped
        model = inner.model if "mujoco_renderer" in vars(inner) else inner._env.physics.model.ptr
        model.vis.quality.offsamples = model.vis.quality.shadowsize = 0
        model.light_castshadow[:] = False
        model.mat_reflectance[:] = 0


def draws() -> str:
    """Draw a picture with MuJoCo, and give the OpenGL backend that did it.

    Raises UserError where the backend does not work, MissingExtra where MuJoCo is not installed.
    """
    prepare_mujoco()
    if sys.platform == "linux" and backend() in _NO_BACKEND:
        raise UserError(f"MuJoCo cannot draw here, neither with EGL nor with OSMesa (MUJOCO_GL={backend()}): {CURE}")
    try:
        with told_in_one_line("a test picture", mujoco=True):
            mujoco: Any = importlib.import_module("mujoco")
            renderer = mujoco.Renderer(mujoco.MjModel.from_xml_string("<mujoco/>"), 16, 16)
            renderer.render()
            renderer.close()
    except UserError as error:
        if isinstance(error.__cause__, ModuleNotFoundError) and error.__cause__.name == "mujoco":
            raise MissingExtra("mujoco", "dmc", "drawing with MuJoCo") from error
        raise
    return backend()
