"""Progress: plain on a pipe, a bar on a terminal."""

import io

import pytest

from reverie.report.progress import Pace, Progress, _duration


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """A clock that moves by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_pipe_gets_no_control_characters_and_a_line_per_tenth(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Progress(1000) as progress:
        for frames in range(0, 1001, 4):
            progress.update(frames, frames // 2, last_evaluation=12.34 if frames > 500 else None)
    out = capsys.readouterr().out
    assert all(letter.isprintable() or letter == "\n" for letter in out)
    lines = out.splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        f"{first} / 1,000 frames ({tenth}0%)"
        for tenth, first in enumerate(["100", "200", "300", "400", "500", "600", "700", "800", "900", "1,000"], start=1)
    ]
    assert "evaluation" not in lines[0] and lines[-1].endswith("evaluation 12.3")
    assert "500 updates" in lines[-1]


def test_a_resumed_run_does_not_print_the_tenths_it_has_behind_it(capsys):
    with Progress(1000) as progress:
        progress.update(350, 1, None)
        progress.update(390, 2, None)
        assert capsys.readouterr().out == ""
        progress.update(410, 3, None)
    assert capsys.readouterr().out.startswith("410 / 1,000 frames (41%)")


def test_frames_beyond_the_total_print_nothing_new(capsys):
    with Progress(100) as progress:
        for frames in (0, 100, 120, 140):
            progress.update(frames, 1, None)
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_message_on_a_pipe_is_that_line(capsys):
    with Progress(100) as progress:
        progress.message("evaluation at 10 frames: [bold]3.5[/bold] of 5 episodes " + "x" * 200)
    assert capsys.readouterr().out == "evaluation at 10 frames: [bold]3.5[/bold] of 5 episodes " + "x" * 200 + "\n"


@pytest.mark.parametrize("quiet", [True, None])
def test_quiet_is_plain_and_a_terminal_has_a_bar(quiet, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    with Progress(1000, quiet, stream) as progress:
        progress.update(0, 0, None)
        progress.update(400, 20, 81.25, note="evaluating")
        progress.message("a [message] above")
    out = stream.getvalue()
    assert ("\x1b" in out) == (quiet is None)
    for words in ("400 / 1,000 frames", "40%", "20 updates", "evaluation 81.2", "evaluating", "a [message] above"):
        assert words in out


def test_a_dumb_terminal_gets_plain_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    assert not Progress(10, stream=Terminal()).live


def test_the_bar_is_taken_down_when_the_run_fails(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    with pytest.raises(RuntimeError), Progress(10, stream=stream):
        raise RuntimeError
    assert stream.getvalue().rstrip().endswith("\x1b[?25h")  # the cursor is back


def test_the_rate_is_of_this_run_and_of_late():
    clock = Clock()
    pace = Pace(window=10.0, clock=clock)
    pace.update(5000)  # a resumed run: these frames took no time of ours
    assert pace.rate is None
    clock.now = 2.0
    pace.update(5100)
    assert pace.rate == 50.0
    for clock.now in (20.0, 40.0):
        pace.update(5100 + int(clock.now))
    # The samples at 0 and 2 are out of the window; of 20 (frame 5120) and 40 (frame 5140) the rate is 20 / 20.
    assert pace.rate == 1.0


def test_no_rate_without_progress():
    clock = Clock()
    pace = Pace(clock=clock)
    pace.update(10)
    clock.now = 5.0
    pace.update(10)
    assert pace.rate is None


@pytest.mark.parametrize(("seconds", "words"), [(0, "0:00:00"), (3725.4, "1:02:05"), (90061, "1 d 1:01:01")])
def test_durations(seconds, words):
    assert _duration(seconds) == words


def test_stages_without_frames_are_shown_by_their_updates(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("reverie.report.progress.time.monotonic", lambda: now[0])
    stream = io.StringIO()
    with Progress(1000, stream=stream) as progress:
        progress.update(100, 0, None, "collect")
        for stage, seconds in (("brief", 0.01), ("long", 1.0)):
            for done in range(101):
                now[0] += seconds
                progress.update(100, done, None, stage, (done, 100))
        now[0] += 1
        progress.update(110, 100, None, "collect")
        now[0] += 1
        progress.update(220, 100, None, "collect")
    lines = stream.getvalue().splitlines()
    assert not any("brief" in line for line in lines)
    assert lines[0].startswith("10 / 100 updates (10%)") and lines[0].endswith("long")
    assert len(lines) == 11 and lines[-1].startswith("220 / 1,000 frames (22%)")
