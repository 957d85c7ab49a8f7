"""Every mistake ends in one clear message and exit code 2, and nothing is lost or created."""

import importlib.util
import pickle
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from command import TINY, call
from mistake import Place
from mistakes import PAGE, TABLE, page

from reverie.errors import MissingExtra

ROWS = [(where, row) for where, rows in TABLE.items() for row in rows]


def assert_told(outcome, *parts):
    assert outcome.code == 2
    for part in parts:
        assert part in outcome.err
    assert outcome.err.startswith("reverie: ")
    assert "Traceback" not in outcome.err + outcome.out
    assert len(outcome.err.strip().splitlines()) == 1, outcome.err
    assert "\x1b" not in outcome.err + outcome.out


def assert_nothing_made():
    assert list(Path().iterdir()) == []


def files():
    """What is there, but for locks, which hold nothing."""
    return {path: path.read_bytes() for path in Path().rglob("*") if path.is_file() and path.name != ".lock"}


@pytest.mark.parametrize(("where", "row"), ROWS, ids=[f"{where}: {row.situation}" for where, row in ROWS])
def test_a_mistake(capsys, monkeypatch, trained, where, row):
    for package in row.needs:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    place = Place(monkeypatch, trained.path, [])
    if row.prepare is not None:
        row.prepare(place)
    before = files()
    words = shlex.split(row.command)
    if row.tiny:
        words[2:2] = TINY
    outcome = call(capsys, *words)
    assert_told(outcome)
    message = outcome.err.removeprefix("reverie: ").strip()
    assert row.fits(message), f"{message}\n    is not\n{row.message}"
    after = files()
    if row.leaves:
        after = {path: content for path, content in after.items() if path.parts[0] != row.leaves}
    elif words[:1] != ["resume"]:  # which may have said that the run goes on
        assert outcome.out == ""
    assert after == before
    if row.check is not None:
        row.check()


def test_the_table_is_long_and_each_row_its_own():
    assert len(ROWS) >= 100
    assert len({(where, row.situation) for where, row in ROWS}) == len(ROWS)


def test_the_page_is_the_table():
    assert PAGE.read_text(encoding="utf-8") == page(), "the page is old; write it: python tests/cli/mistakes.py"


def test_a_message_fits_as_a_whole():
    _, row = ROWS[-1]
    assert row.fits(row.message)
    assert not row.fits(row.message + "!") and not row.fits(f"so: {row.message}")


def test_a_missing_extra_passes_between_processes():
    error = MissingExtra("pygame", "pixels", "drawing")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (MissingExtra, str(error))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}"])
def test_a_config_that_cannot_be_read(capsys, text):
    Path("run").mkdir()
    Path("run/config.json").write_text(text)
    assert_told(call(capsys, "eval", "run"), "reverie: ")


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


def test_control_characters_are_shown_and_not_obeyed(capsys):
    outcome = call(capsys, "train", "dreamer", "--env", "\x1b[31mdmc:x")
    assert_told(outcome, "unknown suite '\\x1b[31mdmc'; did you mean 'dmc'?")


def test_a_folder_whose_name_is_no_utf8(capsys):
    outcome = call(capsys, "train", "dreamer", "--env", "py:tiny:walk", "--run", "run\udcff", *TINY)
    assert_told(outcome, "the run folder run\\udcff is no name in UTF-8; choose another with --run")
    assert_nothing_made()


@pytest.mark.parametrize("closing", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_streams_are_no_mistake(closing):
    command = f'"$0" -m reverie train dreamer --env gym:Pendulum-v1 --dry-run {closing}'
    ended = subprocess.run(["bash", "-c", command, sys.executable], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_reader_that_went_away_is_told_to_the_shell():
    command = '("$0" -m reverie list; echo $? >&2) | true'
    ended = subprocess.run(["bash", "-c", command, sys.executable], capture_output=True, text=True, timeout=120)
    assert ended.stderr == "141\n"


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
