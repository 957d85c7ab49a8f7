"""The table of mistakes: all of them, by where they are made, and the page that shows them.

`python tests/cli/mistakes.py` writes docs/mistakes.md.
"""

import sys
from pathlib import Path

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1] / "agents")]

import mistakes_conditions as conditions
import mistakes_environments as environments
import mistakes_offline as offline
import mistakes_packages as packages
import mistakes_parts as parts
import mistakes_results as results
import mistakes_runs as runs
import mistakes_training as training
import mistakes_typed as typed
import mistakes_videos as videos
from mistake import Mistake

PAGE = Path(__file__).parents[2] / "docs" / "mistakes.md"

TABLE: dict[str, list[Mistake]] = {
    "Commands and options": typed.WORDS,
    "Values of another kind": typed.KINDS,
    "Values out of range": typed.RANGES,
    "Worlds conditioned on actions": conditions.CONDITIONS,
    "Learning in stages": parts.STAGES,
    "Planners, worlds without a decoder": parts.PLANNERS,
    "Parts of your own": parts.OWN,
    "Names of environments": environments.NAMES,
    "What an environment shows and takes": environments.SPACES,
    "Looking before training": environments.CHECKED,
    "Missing packages": packages.PACKAGES,
    "Devices": environments.DEVICES,
    "Folders of runs": runs.FOLDERS,
    "Recorded episodes": offline.DATA,
    "Videos": videos.VIDEOS,
    "The page of a dream": runs.PAGE,
    "Spoiled configurations": runs.CONFIGURATIONS,
    "Spoiled checkpoints": runs.CHECKPOINTS,
    "While a run is trained": [*training.ENVIRONMENTS, *training.MACHINES],
    "Reports": results.REPORTS,
    "Probes": results.PROBES,
    "Results": results.RESULTS,
    "Bench": results.BENCH,
    "Face-offs": results.FACEOFF,
}

HEAD = """# Mistakes

<!-- Written by `python tests/cli/mistakes.py` from the table that the tests run: change it there. -->

Whatever goes wrong on the command line is told in one message on standard error, `reverie: MESSAGE`, which names the
thing, its value and the cure, and ends with status 2. Nothing is written or lost; a run that had begun keeps its last
checkpoint. Below are {count} mistakes and what each is told; "…" stands for what depends on the machine or a version.
A traceback comes from the code of the environment, where that fails at a step, or is ours: please report it.
"""


def page() -> str:
    """The table for readers."""
    tables = [HEAD.format(count=sum(map(len, TABLE.values())))]
    for where, rows in TABLE.items():
        tables.append(f"## {where}\n\n| what is wrong | `reverie` ... | message |\n|---|---|---|")
        tables[-1] += (
            "".join(f"\n| {row.situation} | {_code(row.command)} | {_code(row.message)} |" for row in rows) + "\n"
        )
    return "\n".join(tables)


def _code(text: str) -> str:
    """As code in a cell of a table."""
    text = text.replace("|", "\\|")
    return f"`` {text} ``" if "`" in text else f"`{text}`" if text else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
