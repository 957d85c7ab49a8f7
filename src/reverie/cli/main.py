"""Dispatch of the commands, and how their errors are told."""

import errno
import io
import os
import sys
from collections.abc import Callable, Sequence

from reverie.errors import UserError, unknown
from reverie.train.heap import keep_freed
from reverie.train.interrupt import Stopped
from reverie.version import __version__

Command = Callable[[Sequence[str]], None]

MACHINE = {
    getattr(errno, name, None)
    for name in ("ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "EIO", "ENAMETOOLONG", "ENOTDIR", "EISDIR", "EEXIST")
} - {None}
"""Failures to read and write that are no fault of the code: a full disk, a folder of someone else."""

FULL = ("out of memory", "can't allocate memory", "Unable to allocate", "Overflow when unpacking")
"""What torch and numpy say where memory is lacking."""


def _train(arguments: Sequence[str]) -> None:
    from reverie.cli.train import train

    train(arguments)


def _fit(arguments: Sequence[str]) -> None:
    from reverie.cli.fit import fit

    fit(arguments)


def _export(arguments: Sequence[str]) -> None:
    from reverie.cli.export import export

    export(arguments)


def _resume(arguments: Sequence[str]) -> None:
    from reverie.cli.train import go_on

    go_on(arguments)


def _eval(arguments: Sequence[str]) -> None:
    from reverie.cli.look import evaluate

    evaluate(arguments)


def _video(arguments: Sequence[str]) -> None:
    from reverie.cli.look import video

    video(arguments)


def _dream(arguments: Sequence[str]) -> None:
    from reverie.cli.dream import dream

    dream(arguments)


def _report(arguments: Sequence[str]) -> None:
    from reverie.cli.report import report

    report(arguments)


def _probe(arguments: Sequence[str]) -> None:
    from reverie.cli.probe import probe

    probe(arguments)


def _list(arguments: Sequence[str]) -> None:
    from reverie.cli.look import list_all

    list_all(arguments)


def _bench(arguments: Sequence[str]) -> None:
    from reverie.cli.bench import bench

    bench(arguments)


def _faceoff(arguments: Sequence[str]) -> None:
    from reverie.cli.faceoff import faceoff

    faceoff(arguments)


def _results(arguments: Sequence[str]) -> None:
    from reverie.cli.results import results

    results(arguments)


def _check_env(arguments: Sequence[str]) -> None:
    from reverie.cli.check import check_env

    check_env(arguments)


def _doctor(arguments: Sequence[str]) -> None:
    from reverie.cli.doctor import doctor

    doctor(arguments)


# Imported when they are called, so that `reverie --help` need not wait for torch.
COMMANDS: dict[str, tuple[Command, str]] = {
    "train": (_train, "train a preset on an environment, and show its dreams"),
    "fit": (_fit, "train a preset on recorded episodes alone: those of runs, and Minari datasets"),
    "resume": (_resume, "go on with a run from its last checkpoint"),
    "eval": (_eval, "evaluate the agent of a run"),
    "video": (_video, "film a run: real, dreamed, or side by side, as GIF or MP4"),
    "dream": (_dream, "play inside a run's learned world, on a web page of this machine"),
    "report": (_report, "one HTML page on runs: curves, signals, dreams, and a diagnosis in words"),
    "probe": (_probe, "learn to draw what a run's world knows, where it decodes no picture"),
    "export": (_export, "write what a run has collected as a Minari dataset"),
    "list": (_list, "list presets, their scales, and the parts that can be exchanged"),
    "bench": (_bench, "measure updates, dreams and acting on this machine"),
    "faceoff": (_faceoff, "worlds of several backbones on the same data: costs, errors of their dreams, returns"),
    "results": (_results, "run suites of learning runs, make their tables and curves, verify what is recorded"),
    "check-env": (_check_env, "try an environment before training: what it is, and what is wrong with it"),
    "doctor": (_doctor, "look at this machine: packages, devices, rendering, memory, disk"),
}

USAGE = "\n".join(
    [
        "usage: reverie COMMAND ...",
        "",
        "Reinforcement learning inside learned world models.",
        "",
        *[f"  {name:<10} {purpose}" for name, (_, purpose) in COMMANDS.items()],
        "",
        "  reverie train dreamer --env dmc:cartpole-swingup --action-repeat 4",
        "  reverie COMMAND --help shows all that a command takes",
    ]
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command. A user's mistake ends in one message and exit code 2, an interrupt in 130."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    _spell_all()
    if arguments and arguments[0] in ("-h", "--help", "help"):
        print(USAGE)
        raise SystemExit(0)
    if arguments[:1] == ["--version"]:
        print(f"reverie {__version__}")
        return
    try:
        _dispatch(arguments)
        sys.stdout.flush()  # not later: what goes wrong with it is told here
    except Stopped as stopped:
        # It has said so itself.
        raise SystemExit(stopped.status) from None
    except KeyboardInterrupt:
        print("reverie: interrupted", file=sys.stderr)
        raise SystemExit(130) from None
    except BrokenPipeError:
        # The reader of a pipe went away, as `head` does. What Python still holds for it goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise SystemExit(128 + 13) from None
    except Exception as error:
        if (message := told(error)) is None:
            raise
        print(f"reverie: {message}", file=sys.stderr)
        raise SystemExit(2) from None


def _spell_all() -> None:
    """A name that the terminal cannot spell, such as a run's folder, or no terminal at all, is no reason to fail."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed before we began
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 (for as long as the process lives)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _dispatch(arguments: Sequence[str]) -> None:
    if not arguments:
        raise UserError(f"name a command: {', '.join(COMMANDS)}; what they do: reverie --help")
    if arguments[0] not in COMMANDS:
        raise unknown("command", arguments[0], COMMANDS)
    keep_freed()
    COMMANDS[arguments[0]][0](arguments[1:])


def told(error: Exception) -> str | None:
    """An error as one line, where it is the user's or the machine's; None where it is ours."""
    # A name may hold what a terminal obeys, or cannot show.
    words = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in " ".join(str(error).split("\n")))
    if isinstance(error, UserError):
        return words
    if isinstance(error, OSError) and error.errno in MACHINE:
        where = "" if error.filename is None else f"{error.filename}: "
        return f"{where}{error.strerror}; make room, or name another place"
    if isinstance(error, MemoryError) or any(sign in words for sign in FULL):
        return f"there is not enough memory ({words[:200]}); lower --batch, --length, --replay-mib or a network's units"
    return None
