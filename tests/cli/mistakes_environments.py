"""Mistakes about environments: names, spaces, numbers, packages."""

from mistake import Mistake

HEADER = """
import gymnasium
import numpy as np
from gymnasium import spaces
from tiny import Walk

"""


def mine(body: str):
    """A module `mine` whose function or class is called make."""
    return lambda at: at.module(HEADER + body)


def named(situation: str, env: str, message: str, prepare=None, needs=()) -> Mistake:
    """A name that leads to no environment."""
    return Mistake(situation, f"train dreamer --env {env}", message, prepare, needs=needs)


NAMES = [
    Mistake(
        "no environment",
        "train dreamer",
        "name an environment, as in: reverie train dreamer --env gym:Pendulum-v1",
    ),
    named(
        "an empty name",
        "''",
        "--env is empty: name one, as in dmc:cartpole-swingup, gym:Pendulum-v1 or py:module:factory",
    ),
    named("an unknown suite", "dcm:cartpole-swingup", "unknown suite 'dcm'; did you mean 'dmc'?"),
    named("a suite that is like no other", "日本:x", "unknown suite '日本'; known: ale, dmc, gym, memory, py, vizdoom"),
    named("a suite without a task", "gym:", "'gym:' names no task: it should read gym:TASK"),
    named(
        "an unknown Gymnasium id",
        "Pendulum-v7",
        "unknown Gymnasium environment 'Pendulum-v7'; did you mean 'Pendulum-v1'?",
    ),
    named(
        "an id that nobody has registered",
        "gym:zzz",
        "unknown Gymnasium environment 'zzz': gymnasium.pprint_registry() lists those that are registered, "
        "and gym:MODULE:ID imports the module that registers one",
    ),
    named(
        "an unknown task of dm_control",
        "dmc:cartpole-swing",
        "unknown dm_control task 'cartpole-swing'; did you mean 'cartpole-swingup'?",
        needs=("dm_control", "shimmy"),
    ),
    named(
        "an unknown scenario of VizDoom",
        "vizdoom:TakeCovr",
        "unknown scenario of VizDoom 'TakeCovr'; did you mean 'TakeCover'?",
        needs=("vizdoom",),
    ),
    named(
        "a scenario of VizDoom whose game is not there",
        "vizdoom:DoomE1M1-S1",
        "vizdoom:DoomE1M1-S1 could not be opened (FileDoesNotExistException: …): mend that, or name another scenario",
        needs=("vizdoom",),
    ),
    named("no function", "py:mine", "'py:mine' should read py:package.module:factory"),
    named(
        "a relative module",
        "py:.mine:make",
        "py:.mine:make: '.mine' is no module's name; it should read package.module",
    ),
    named(
        "an unknown module",
        "py:nowhere:make",
        "py:nowhere:make: there is no module 'nowhere' on the Python path or in this folder",
    ),
    named(
        "a module that needs another",
        "py:mine:make",
        "py:mine:make: 'mine' needs the module 'no_such_module', which is not installed",
        mine("import no_such_module\n"),
    ),
    named(
        "a module with a slip of the pen",
        "py:mine:make",
        "py:mine:make: importing 'mine' failed (SyntaxError: …, …mine.py:7): mend the module",
        mine("def make(:\n"),
    ),
    named(
        "an unknown function",
        "py:mine:maek",
        "unknown function of 'mine' 'maek'; did you mean 'make'?",
        mine("def make(): return Walk()\n"),
    ),
    named(
        "a function that needs an argument",
        "py:mine:make",
        "py:mine:make cannot be called without arguments: missing a required argument: 'length'; "
        "give its arguments defaults",
        mine("def make(length): return Walk(length)\n"),
    ),
    named(
        "a function that fails",
        "py:mine:make",
        "py:mine:make could not be made (ZeroDivisionError: division by zero, …mine.py:7): mend the function",
        mine("def make(): return Walk(1 / 0)\n"),
    ),
    named(
        "a function that makes no environment",
        "py:mine:make",
        "py:mine:make made a builtins.NoneType, not a gymnasium.Env (Shimmy wraps gym's and dm_env's)",
        mine("def make(): pass\n"),
    ),
]

SPACES = [
    named(
        "actions without bounds",
        "py:mine:make",
        "py:mine:make: the action space Box(-inf, inf, (1,), float32) has an infinite bound, so its actions cannot be "
        "scaled to [-1, 1]: give it finite bounds, for instance with gymnasium.wrappers.TransformAction or "
        "RescaleAction and ClipAction",
        mine(
            "class make(Walk):\n"
            "    action_space = property(lambda _: spaces.Box(-np.inf, np.inf, (1,)), lambda *_: None)\n"
        ),
    ),
    named(
        "actions of a kind that is not supported",
        "py:mine:make",
        "py:mine:make: the action space Text(1, 3, …) is not supported: only Box, Discrete, MultiDiscrete, MultiBinary "
        "are; wrap the environment so that its actions are one of them, for instance with "
        "gymnasium.wrappers.TransformAction",
        mine("class make(Walk):\n    action_space = property(lambda _: spaces.Text(3), lambda *_: None)\n"),
    ),
    named(
        "observations of a kind that is not supported",
        "py:mine:make",
        "py:mine:make: the observation 'words' has the space Text(1, 3, …), which is not supported: arrays and their "
        "tuples are; wrap it, for instance with gymnasium.wrappers.TransformObservation",
        mine(
            "class make(Walk):\n"
            "    observation_space = property(lambda _: spaces.Dict(words=spaces.Text(3)), lambda *_: None)\n"
        ),
    ),
    named(
        "observations of nothing",
        "py:mine:make",
        "py:mine:make: the observation space Dict() is empty",
        mine("class make(Walk):\n    observation_space = property(lambda _: spaces.Dict(), lambda *_: None)\n"),
    ),
    Mistake(
        "a drawn image that cannot be halved",
        "train dreamer --env py:tiny:walk --pixels --size 40",
        "the observation 'image' is an image of 40 x 40, which cannot be halved 4 times: resize it to 32 x 32 "
        "(with --pixels: --size; else gymnasium.wrappers.ResizeObservation) or --encoder.cnn.stages 3 "
        "--decoder.cnn.stages 3",
        needs=("cv2",),
    ),
    named(
        "an environment's own image that cannot be halved",
        "py:mine:make",
        "the observation 'camera' is an image of 84 x 84, which cannot be halved 4 times: resize it to 80 x 80 "
        "(with --pixels: --size; else gymnasium.wrappers.ResizeObservation) or --encoder.cnn.stages 2 "
        "--decoder.cnn.stages 2",
        mine(
            "class make(Walk):\n"
            "    observation_space = property(\n"
            "        lambda _: spaces.Dict(camera=spaces.Box(0, 255, (84, 84, 3), np.uint8)), lambda *_: None\n"
            "    )\n"
        ),
    ),
    named(
        "lives of what is no Atari game",
        "gym:Pendulum-v1 --episodic-lives",
        "gym:Pendulum-v1 is no Atari game, so --episodic-lives is not for it; leave --episodic-lives out",
    ),
    named(
        "a crop of what is no image",
        "gym:Pendulum-v1 --crop 0.2 0.8",
        "gym:Pendulum-v1 observes no image, so --crop and --height are not for it; leave them out or add --pixels",
    ),
    Mistake(
        "a crop that is narrower than a row",
        "train dreamer --env py:tiny:walk --pixels --crop 0.5 0.501",
        "--crop 0.5 0.501 leaves no row of an image of py:tiny:walk, which has 16: widen it",
    ),
    named(
        "pixels of an environment that draws nothing",
        "py:mine:make --pixels",
        "py:mine:make cannot be observed as pixels: its render_mode is None, not 'rgb_array' (it knows ['rgb_array'])",
        mine("def make(): return Walk()\n"),
    ),
]

CHECKED = [
    Mistake(
        "no environment to check",
        "check-env",
        "reverie check-env needs --env: dmc:TASK, gym:ID (a bare ID is one too), ale:GAME, vizdoom:SCENARIO, "
        "memory:TASK or py:package.module:factory; "
        "all options: reverie check-env --help",
    ),
    Mistake(
        "an unknown environment to check",
        "check-env Pendulum-v7",
        "unknown Gymnasium environment 'Pendulum-v7'; did you mean 'Pendulum-v1'?",
    ),
    Mistake(
        "a check for an unknown preset",
        "check-env Pendulum-v1 --preset dreamr",
        "unknown preset 'dreamr'; did you mean 'dreamer'?",
    ),
    Mistake("a check of no steps", "check-env Pendulum-v1 --steps 0", "--steps must be at least 1, not 0"),
    Mistake(
        "a check with a seed that spaces do not take",
        "check-env Pendulum-v1 --seed 4294967296",
        "--seed must be below 2**32 = 4294967296, not 4294967296",
    ),
    Mistake("a check with a negative seed", "check-env Pendulum-v1 --seed -1", "--seed must not be negative, not -1"),
    Mistake(
        "an option that the doctor does not know",
        "doctor --device cpu",
        "unknown option --device; all options: reverie doctor --help",
    ),
]

DEVICES = [
    Mistake(
        "a device that does not exist",
        "train dreamer --env gym:Pendulum-v1 --device gpu0",
        "device 'gpu0' cannot be used here: Invalid device string: 'gpu0'; try --device cpu",
    ),
    Mistake(
        "a device that is not here",
        "train dreamer --env gym:Pendulum-v1 --device cuda:99",
        "device 'cuda:99' cannot be used here: …; try --device cpu",
    ),
    Mistake(
        "a device that draws no numbers",
        "train dreamer --env gym:Pendulum-v1 --device meta",
        "device 'meta' cannot be used here: …; try --device cpu",
    ),
]
