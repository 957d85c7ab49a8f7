"""The suites, as data: each is a set of runs, and each run the options of `reverie train` that repeat it."""

from collections.abc import Iterable

from reverie.errors import unknown
from reverie.results.suites.evolution import EVOLUTION
from reverie.results.suites.live import LIVE
from reverie.results.suites.memory import MEMORY
from reverie.results.suites.pixels import PIXELS
from reverie.results.suites.planning import PLANNING
from reverie.results.suites.presets import EACH_PRESET
from reverie.results.suites.recurrent import RECURRENT
from reverie.results.suites.suite import ALONE, Suite, complete

__all__ = ["ALONE", "SUITES", "Suite", "complete", "named"]

SUITES: dict[str, Suite] = RECURRENT | PIXELS | MEMORY | PLANNING | EVOLUTION | LIVE | EACH_PRESET


def named(names: Iterable[str]) -> dict[str, Suite]:
    """The suites of these names in the order given; `all` is every one.

    Raises:
        UserError: for a name that is no suite's.
    """
    chosen: dict[str, Suite] = {}
    for name in names:
        if name != "all" and name not in SUITES:
            raise unknown("suite", name, [*SUITES, "all"])
        chosen |= SUITES if name == "all" else {name: SUITES[name]}
    return chosen
