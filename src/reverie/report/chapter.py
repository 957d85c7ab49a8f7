"""A run's own part of a report: what is wrong with it, what its log says, and how it dreams."""

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from reverie.agents.agent import Agent
from reverie.errors import Finding
from reverie.report.diagnosis import Facts, diagnose
from reverie.report.measured import CONTEXT
from reverie.report.page import Page
from reverie.report.pictures import draw_open_loop
from reverie.report.plots import AXES, axis, dreamed_against_real
from reverie.report.signals import draw_calibration, draw_errors, draw_signals

FINE = Finding("fine", "nothing-found", "no rule found anything that is known to go wrong")
FPS = 10.0


@dataclass(frozen=True)
class Subject:
    """A run that is reported on.

    Attributes:
        name: what it is called on the page, and its folder of figures.
        facts: its log, its configuration, and what was measured of the agent.
        agent: None where it cannot be loaded.
        missing: why it cannot; empty where it can.
        command: what was typed; empty where that is not known.
    """

    name: str
    facts: Facts
    agent: Agent | None
    missing: str = ""
    command: str = ""


def write_chapter(page: Page, subject: Subject, folder: Path) -> list[Finding]:
    """Draw the figures of a run into a folder, and add its chapter to the page.

    Returns:
        What the diagnosis found.
    """
    page.heading(subject.name)
    if subject.command:
        page.command(subject.command)
    if subject.missing:
        page.paragraph(f"Its log alone is reported: {subject.missing}")
    found = list(diagnose(subject.facts))
    page.findings(found or [FINE])
    _draw_log(page, subject.facts, folder)
    _draw_dreams(page, subject, folder)
    return found


def _draw_log(page: Page, facts: Facts, folder: Path) -> None:
    if draw_signals(facts.log, folder / "signals.png"):
        page.figure(
            folder / "signals.png",
            "What was logged while it learned; losses and norms on logarithmic axes.",
        )
    told = [line for line in facts.log if {"eval/return", "eval/dreamed"} <= line.keys()]
    if told:
        against = axis([facts.log])
        dreamed_against_real(
            [line["eval/dreamed"] for line in told],
            [line["eval/return"] for line in told],
            folder / "dreamed-and-real.png",
            when=[line[against] for line in told],
            unit=AXES[against],
        )
        page.figure(
            folder / "dreamed-and-real.png",
            "The return of the same policy, dreamed from an episode's first observation and got in the environment. "
            "Above the diagonal the world promises too much. Dreams follow the likeliest latents here; those of "
            "categoricals need not be what is dreamed on the whole.",
        )


def _draw_dreams(page: Page, subject: Subject, folder: Path) -> None:
    measured, agent = subject.facts.measured, subject.agent
    if measured is None or agent is None:
        return
    number = len(measured.random)
    horizon = getattr(subject.facts.resolved.config.behaviour, "horizon", 0)
    if draw_errors(measured.errors, horizon, folder / "errors.png"):
        page.figure(
            folder / "errors.png",
            f"Open loop: {CONTEXT} steps of {number} held-out episodes of random actions are seen, the rest is dreamed "
            "along their actions. Dotted: the dreams' length in training. Images in [0, 1], the rest in its own unit.",
        )
    draw_calibration(measured.reward, measured.going, folder / "calibration.png")
    page.figure(
        folder / "calibration.png",
        f"What the heads foretold at each moment of {number} random and {len(measured.played)} own episodes.",
    )
    got = fmean(episode.total for episode in measured.played)
    page.paragraph(
        f"From their first observations on, and with drawn latents, its own episodes are dreamed to return "
        f"{measured.promised.mean():.4g} in the mean. They returned {got:.4g}."
    )
    for picture in draw_open_loop(agent, measured.played, folder, FPS):
        caption = (
            "Truth, dream and their difference, a row for each of four episodes of its own policy."
            if picture.suffix == ".gif"
            else "An episode of its own policy, and the dream along its actions."
        )
        page.figure(picture, caption)
