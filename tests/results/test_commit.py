"""The code as it is makes what a verified commit makes here, and only a verified commit is believed."""

import json
import runpy
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from command import call

import reverie.results.commit as module
import reverie.results.verify as verifying
from reverie.errors import UserError
from reverie.results.commit import laid_out, runs_verified, verify_by
from reverie.results.fingerprint import PACKAGE
from reverie.results.recorded import Recorded
from reverie.results.verify import Outcome, learned_by, note, read_verified

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

fingerprint = runpy.run_path(str(PACKAGE / "results" / "fingerprint.py"))["fingerprint"]
"""The same without annotations checked at every call, which takes seconds for a package."""

CODE = {
    "plain": {},
    # Of other code the fingerprint is another, whether or not the numbers are.
    "renamed": {"ops/scale.py": "\n_NOBODY_READS_THIS = 1\n"},
    "changed": {
        "world/world.py": "\nimport torch\n_made = World.__init__\n\n\ndef _other(self, *parts, **named):\n"
        "    _made(self, *parts, **named)\n    with torch.no_grad():\n        next(self.parameters()).mul_(1 + 1e-6)\n"
        "\n\nWorld.__init__ = _other\n"
    },
    "broken": {"train/trainer.py": '\nraise RuntimeError("no trainer today")\n'},
    "unreadable": {"ops/scale.py": "\n)\n"},
}
"""What is added to the modules of a copy of the package, a tag for each."""


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A checkout of Reverie, with a tag for each of CODE."""
    root = tmp_path_factory.mktemp("clone")
    package = root / "src" / "reverie"

    def git(*words):
        named = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false")
        subprocess.run(["git", "-C", str(root), *named, *words], check=True, capture_output=True)

    git("init", "--quiet")
    (root / "README.md").write_text("No package yet.\n")
    git("add", ".")
    git("commit", "--quiet", "--message", "empty")
    git("tag", "empty")
    for tag, additions in CODE.items():
        shutil.rmtree(package, ignore_errors=True)
        shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
        for name, text in additions.items():
            (package / name).write_text((package / name).read_text() + text)
        git("add", ".")
        git("commit", "--quiet", "--allow-empty", "--message", tag)
        git("tag", tag)
    return package


@pytest.fixture
def into(results, clone, tmp_path, monkeypatch):
    """Recorded runs whose logs are not of this processor; commits are those of the clone."""
    monkeypatch.setattr(module, "PACKAGE", clone)
    for user in (module, verifying):
        monkeypatch.setattr(user, "fingerprint", fingerprint)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(results, "results")
    log = Path("results/walks/dreamer-s0/metrics.jsonl")
    lines = [json.loads(line) | {"loss/world": -1.0} for line in log.read_text().splitlines()]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return Path("results")


def run_of(into):
    return Recorded(into / "walks" / "dreamer-s0")


def verified(into, revision):
    """Say that the code of a commit made the run."""
    with laid_out(revision) as commit:
        entry = {"fingerprint": commit.fingerprint, "run": "walks/dreamer-s0", "lines": 2, "frames": 80}
    (into / "verified.json").write_text(json.dumps({"dreamer": entry}))
    return commit


def by(capsys, *words):
    return call(capsys, "results", "--verify", "dreamer", "--by", *words)


def test_code_that_makes_the_same_is_noted(into, capsys):
    commit = verified(into, "renamed")
    assert commit.fingerprint != fingerprint() and learned_by(into) == {}
    told = by(capsys, "renamed")
    assert told.code == 0, told.err
    assert f"are equal to the bit to what {commit.name[:12]} makes here (walks/dreamer-s0)" in told.out
    entry = read_verified(into)["dreamer"]
    assert (entry["fingerprint"], entry["by"]) == (fingerprint(), commit.name) and len(commit.name) == 40
    assert entry["lines"] >= 1 and entry["frames"] == 80
    assert learned_by(into) == {"dreamer": "walks/dreamer-s0"}
    # As it was interrupted before other presets, or the code went on: the same commit is still believed.
    with laid_out("renamed") as again, laid_out("plain") as other:
        assert list(runs_verified(into, ["dreamer"], again)) == ["dreamer"]
        (into / "verified.json").write_text(json.dumps({"dreamer": entry | {"fingerprint": "of code in between"}}))
        assert list(runs_verified(into, ["dreamer"], again)) == ["dreamer"]
        with pytest.raises(UserError, match="the code of plain"):
            runs_verified(into, ["dreamer"], other)


def test_code_that_makes_something_else_is_broken(into, capsys, clone, monkeypatch):
    commit = verified(into, "changed")
    # A package of that name in the working folder, or on the path, is not taken for the commit's.
    shutil.copytree(PACKAGE, "reverie", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.syspath_prepend(str(Path.cwd()))
    told = by(capsys, "changed")
    assert told.code == 2
    where = f"walks/dreamer-s0 as {commit.name[:12]} makes it here"
    assert told.err.startswith(f"reverie: dreamer no longer makes {where}: line 1 (frames ")
    assert len(told.err.splitlines()) == 1
    assert f"{where} differs: " in told.out and "with the same packages and processor" in told.out
    assert "was -1.0" not in told.err  # which the recorded log says
    assert read_verified(into) == {}


def test_a_commit_that_was_not_verified_is_refused(into, capsys):
    verified(into, "changed")
    kept = (into / "verified.json").read_text()
    told = by(capsys, "plain")
    with laid_out("plain") as commit:
        message = (
            f"reverie: the code of plain (fingerprint {commit.fingerprint}) is not what results/verified.json holds as "
            "verified for dreamer; verify plain where its runs were recorded first: reverie results --verify dreamer\n"
        )
    assert (told.code, told.err) == (2, message)
    assert (into / "verified.json").read_text() == kept
    (into / "verified.json").unlink()
    assert (by(capsys, "plain").err, list(into.iterdir())) == (message, [into / "walks"])


def test_the_run_that_was_verified_is_the_one_repeated(into):
    verified(into, "plain")
    shutil.copytree(into / "walks" / "dreamer-s0", into / "walks" / "dreamer-s1")
    with laid_out("plain") as commit:
        assert runs_verified(into, ["dreamer"], commit)["dreamer"].name == "walks/dreamer-s0"
        shutil.rmtree(into / "walks" / "dreamer-s0")
        with pytest.raises(UserError, match=r"names .*dreamer-s0 for dreamer, which is not there; put it back"):
            runs_verified(into, ["dreamer"], commit)


def test_code_that_cannot_make_the_run_is_told_with_its_last_line(into, capsys):
    verified(into, "broken")
    told = by(capsys, "broken")
    assert told.code == 2
    assert told.err == (
        "reverie: the code of broken cannot make walks/dreamer-s0: RuntimeError: no trainer today (exit status 1); "
        "name a commit whose code can\n"
    )


def test_code_that_is_no_python_or_none_is_told(into, capsys):
    (into / "verified.json").write_text("{}")
    assert by(capsys, "unreadable").err.startswith("reverie: --by unreadable: its code is no Python here (")
    told = by(capsys, "empty")
    assert told.code == 2 and told.err.startswith(f"reverie: --by empty holds no package where {module.PACKAGE} is (")
    assert told.err.endswith("; name a later commit\n") and len(told.err.splitlines()) == 1


@pytest.mark.parametrize("revision", ["nowhere", "plain..changed", "HEAD:src", "--all", ""])
def test_what_names_no_commit_is_refused(into, revision):
    with pytest.raises(UserError, match="is no commit, tag or branch of"), laid_out(revision):
        pass


def test_no_line_in_time_is_said(into, monkeypatch):
    verified(into, "plain")
    run = run_of(into)
    monkeypatch.setattr(module, "made_by", lambda *asked: [])
    with (
        laid_out("plain") as commit,
        pytest.raises(UserError, match="no line of walks/dreamer-s0 was logged within 60 frames and 30 seconds"),
    ):
        verify_by(run, commit, 60, 30)


def test_the_checkout_is_left_as_it_is(into, clone):
    def state():
        git = ["git", "-C", str(clone)]
        asked = (("status", "--porcelain"), ("worktree", "list"), ("rev-parse", "HEAD"), ("branch", "--all"))
        return [subprocess.run([*git, *words], check=True, capture_output=True).stdout for words in asked]

    before = state()
    with laid_out("plain") as commit:
        assert (commit.source / "reverie" / "version.py").exists()
        assert commit.fingerprint == fingerprint()
    assert not commit.source.exists() and state() == before


def test_verifying_on_the_recording_processor_drops_the_commit(into):
    outcome = Outcome("walks/dreamer-s0", 2, 80, by="0" * 40)
    note(into, "dreamer", outcome)
    assert read_verified(into)["dreamer"]["by"] == "0" * 40
    note(into, "dreamer", replace(outcome, by=""))
    assert "by" not in read_verified(into)["dreamer"]
