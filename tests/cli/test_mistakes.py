"""Every mistake ends in one clear message and exit code 2, and nothing is lost or created."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command import TINY, WALK, call

TRAIN = ("train", "dreamer", "--env", "py:tiny:walk")


def assert_told(outcome, *parts, lines=1):
    assert outcome.code == 2
    for part in parts:
        assert part in outcome.err
    assert "Traceback" not in outcome.err + outcome.out
    assert len(outcome.err.strip().splitlines()) <= lines, outcome.err
    assert "\x1b" not in outcome.err + outcome.out


def assert_nothing_made():
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("trian",), "unknown command 'trian'; did you mean 'train'?"),
        (("train",), "name a preset first, as in: reverie train dreamer --env"),
        (("train", "dreamr"), "unknown preset 'dreamr'; did you mean 'dreamer'?"),
        (("train", "--env", "Pendulum-v1", "dreamer"), "name a preset first"),
        (("train", "dreamer"), "name an environment, as in: reverie train dreamer --env dmc:cartpole-swingup"),
        (("train", "dreamer", "--env", ""), "env is empty"),
        (("train", "dreamer", "--env", "Pendulum-v7"), "did you mean 'Pendulum-v1'?"),
        (("train", "dreamer", "--env", "dmc:cartpole-swing"), "did you mean 'cartpole-swingup'?"),
        (("train", "dreamer", "--env", "py:tiny:wolk"), "unknown function of 'tiny' 'wolk'; did you mean 'walk'?"),
        ((*TRAIN, "--scale", "papper"), "unknown scale of dreamer 'papper'; did you mean 'paper'?"),
        ((*TRAIN, "--backbone", "gruu"), "unknown backbone 'gruu'; did you mean 'gru'?"),
        ((*TRAIN, "--latent=gausian"), "unknown latent 'gausian'; did you mean 'gaussian'?"),
        ((*TRAIN, "--posterior", "filtr"), "unknown posterior 'filtr'; did you mean 'filter'?"),
        ((*TRAIN, "--objective", "filter"), "unknown objective 'filter'; did you mean 'filtering'?"),
        ((*TRAIN, "--behaviour", "value"), "unknown behaviour 'value'; did you mean 'value-gradient'?"),
        ((*TRAIN, "--steps", "-5"), "--steps must be at least 1, not -5"),
        ((*TRAIN, "--steps", "0"), "--steps must be at least 1, not 0"),
        ((*TRAIN, "--seed", "-1"), "--seed must not be negative, not -1"),
        ((*TRAIN, "--length", "1"), "--length must be at least 2, not 1"),
        ((*TRAIN, "--action-repeat", "0"), "must be at least 1, got 0"),
        ((*TRAIN, "--device", "gpu0"), "device 'gpu0' cannot be used here"),
        ((*TRAIN, "--device", "cuda:99"), "device 'cuda:99' cannot be used here"),
        ((*TRAIN, "--replay-mib", "0.0001"), "is too small for chunks of 16 records"),
        (
            (*TRAIN, "--pixels", "--size", "40"),
            "'image' is an image of 40 x 40, which cannot be halved 4 times: resize",
        ),
        (("eval", "nowhere"), "nowhere holds no run: it has no config.json"),
        (("video", "nowhere"), "nowhere holds no run: it has no config.json"),
    ],
    ids=lambda value: " ".join(value[-3:]) if isinstance(value, tuple) else "",
)
def test_one_line(capsys, arguments, message):
    outcome = call(capsys, *arguments)
    assert_told(outcome, message)
    assert outcome.err.startswith("reverie: ")
    assert outcome.out == ""
    assert_nothing_made()


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ((*TRAIN, "--stepz", "3"), ("--stepz", "--steps INT")),
        ((*TRAIN, "--behaviour.horizn", "3"), ("--behaviour.horizn", "--behaviour.horizon INT")),
        ((*TRAIN, "--actor.noise", "3"), ("--actor.noise", "--behaviour.actor.noise FLOAT")),
        ((*TRAIN, "--steps", "many"), ("--steps", "'many'")),
        ((*TRAIN, "--behaviour.gamma", "2"), ("behaviour.gamma must be in [0, 1], not 2.0",)),
        ((*TRAIN, "--precision", "half"), ("--precision", "'half'", "float32")),
        ((*TRAIN, "--run"), ("--run", "Missing value")),
        (("eval",), ("the run's folder",)),
        (("list", "all"), ("all",)),
        (("bench", "--scales", "huge"), ("--scales", "'huge'", "laptop")),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, tuple) else "",
)
def test_options_that_cannot_be_parsed(capsys, arguments, parts):
    outcome = call(capsys, *arguments)
    assert_told(outcome, *parts, lines=11)
    assert outcome.out == ""
    assert_nothing_made()


def test_an_unknown_key_of_a_run_names_the_nearest(capsys, trained):
    shutil.copytree(trained.path, "run")
    config = Path("run/config.json")
    plain = json.loads(config.read_text())
    plain["config"]["train"]["batchh"] = plain["config"]["train"].pop("batch")
    config.write_text(json.dumps(plain))
    outcome = call(capsys, "eval", "run")
    assert_told(outcome, "unknown key of config.train 'batchh'; did you mean 'batch'?")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}"])
def test_a_config_that_cannot_be_read(capsys, text):
    Path("run").mkdir()
    Path("run/config.json").write_text(text)
    assert_told(call(capsys, "eval", "run"), "reverie: ")


def test_a_run_without_a_checkpoint(capsys, trained):
    Path("run").mkdir()
    shutil.copy(trained.path / "config.json", "run/config.json")
    assert_told(call(capsys, "eval", "run"), "no checkpoint run/checkpoint/run.safetensors")
    assert [path.name for path in Path("run").iterdir()] == ["config.json"]


@pytest.mark.parametrize("command", ["eval", "video"])
def test_no_episodes_at_all(capsys, trained, command):
    outcome = call(capsys, command, str(trained.path), "--episodes", "0")
    assert_told(outcome, "--episodes must be at least 1, not 0")


@pytest.mark.parametrize(
    ("hidden", "arguments", "package", "extra"),
    [
        ("shimmy", ("--env", "dmc:cartpole-swingup"), "shimmy", "dmc"),
        ("dm_control.suite", ("--env", "dmc:cartpole-swingup"), "dm_control", "dmc"),
        ("pygame", ("--env", "Pendulum-v1", "--pixels"), "pygame", "pixels"),
    ],
)
def test_a_missing_extra_is_named(capsys, monkeypatch, hidden, arguments, package, extra):
    monkeypatch.setitem(sys.modules, hidden, None)
    outcome = call(capsys, "train", "dreamer", *arguments, *TINY)
    assert_told(outcome, f"needs the package '{package}', which is not installed: pip install 'reverie[{extra}]'")
    assert_nothing_made()


def test_a_missing_opengl_library_is_named():
    """In a process of its own: MuJoCo asks for its backend once, when it is imported."""
    code = f"""
import os, ctypes, importlib.util
if importlib.util.find_spec("dm_control") is None or importlib.util.find_spec("shimmy") is None:
    raise SystemExit("skip")
for name in ("MUJOCO_GL", "PYOPENGL_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
    os.environ.pop(name, None)
class WithoutOpenGL(ctypes.CDLL):
    def __init__(self, name, *arguments, **options):
        if name and ("EGL" in str(name) or "OSMesa" in str(name)):
            raise OSError(f"{{name}}: cannot open shared object file")
        super().__init__(name, *arguments, **options)
ctypes.CDLL = WithoutOpenGL
from reverie.cli.main import main
main(["train", "dreamer", "--env", "dmc:cartpole-swingup", "--pixels", *{TINY}])
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    if "skip" in ended.stderr:
        pytest.skip("dm_control is not installed")
    assert ended.returncode == 2, ended.stderr
    message = ended.stderr.strip().splitlines()
    assert len(message) == 1, ended.stderr
    assert message[0].startswith("reverie: drawing dmc:cartpole-swingup")
    assert "libegl1" in message[0] and "libosmesa6" in message[0]
    assert_nothing_made()


def test_a_run_folder_that_exists_is_left_alone(capsys, trained):
    shutil.copytree(trained.path, "run")
    before = {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()}
    outcome = call(capsys, *WALK, "--run", "run")
    assert_told(outcome, "the run folder run exists already; choose another with --run, or remove it")
    assert {path: path.read_bytes() for path in Path("run").rglob("*") if path.is_file()} == before


def test_a_run_folder_that_is_a_file_is_left_alone(capsys):
    Path("run").write_text("mine")
    assert_told(call(capsys, *WALK, "--run", "run"), "the run folder run")
    assert Path("run").read_text() == "mine"


@pytest.mark.parametrize(("value", "what"), [("nan", "an observation 'state'"), ("inf", "an observation 'state'")])
def test_an_environment_that_returns_nonsense(capsys, monkeypatch, value, what):
    Path("broken_environment.py").write_text(
        "from tiny import Walk\n\n\n"
        "class Broken(Walk):\n"
        "    def seen(self):\n"
        f"        return super().seen() * (float('{value}') if self.taken == 55 else 1)\n"
    )
    monkeypatch.syspath_prepend(str(Path.cwd()))
    monkeypatch.delitem(sys.modules, "broken_environment", raising=False)
    arguments = ["train", "dreamer", "--env", "py:broken_environment:Broken", *TINY, "--run", "run"]
    outcome = call(capsys, *arguments)
    assert_told(outcome, f"the environment returned {what} of", "after 55 agent steps")
    # What was learned until then stays: the evaluation at frame 48 wrote a checkpoint.
    assert Path("run/config.json").exists()
    assert Path("run/metrics.jsonl").exists()


def test_an_interrupt_is_no_traceback(capsys, monkeypatch):
    import reverie.cli.look as look

    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(look, "list_all", interrupted)
    outcome = call(capsys, "list")
    assert (outcome.code, outcome.err) == (130, "reverie: interrupted\n")


def test_from_a_shell():
    ended = subprocess.run(
        [sys.executable, "-c", "from reverie.cli import main; main()", "train", "dreamr"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "reverie: unknown preset 'dreamr'; did you mean 'dreamer'?\n"
    assert_nothing_made()
