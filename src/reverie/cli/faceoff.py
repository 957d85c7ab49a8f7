"""`reverie faceoff`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any

import tyro

from reverie.cli.reading import read
from reverie.envs.make import EnvConfig
from reverie.errors import UserError
from reverie.own import is_own
from reverie.report.faceoff import draw_faceoff
from reverie.report.write import write_json
from reverie.results.tables import markdown
from reverie.train.bench import alone
from reverie.train.device import choose_device, choose_threads
from reverie.train.faceoff import Cost, Findings, Terms, check_data, contender, cost, face
from reverie.train.folder import versions


@dataclass(frozen=True, kw_only=True)
class FaceOff:
    """Worlds that differ in their backbone learn from the same recorded steps: what they cost, and how they dream."""

    env: Annotated[EnvConfig, tyro.conf.arg(name="", prefix_name=False)]
    backbones: tuple[str, ...] = ("gru", "lstm", "attention", "transformer-xl", "s5")
    """which of them"""
    frames: int = 10_000
    """environment frames of random actions that all learn from"""
    data: tuple[str, ...] = ()
    """what was recorded and is learned from instead: folders of runs, and Minari datasets as minari:NAME"""
    length: int = 64
    """steps of a chunk, and of the windows of those that have one"""
    updates: int = 1000
    """updates of each world"""
    behaviour_updates: int = 0
    """updates of the behaviour inside each, which is evaluated then; 0: none"""
    steps: tuple[int, ...] = (1, 5, 15, 45, 100)
    """dreamed steps after which errors are taken"""
    context: int = 5
    """steps that a world has seen before it dreams"""
    episodes: int = 20
    """held-out episodes of random actions; as many are evaluated"""
    lengths: tuple[int, ...] = (64, 256, 1024)
    """lengths of chunks at which an update is timed"""
    batch_steps: int = 1024
    """steps of all chunks of a timed update"""
    repeats: int = 5
    """timed updates per median"""
    seed: int = 0
    """of everything that is drawn"""
    device: str = "cpu"
    """where to compute"""
    threads: int = 1
    """CPU threads; 0 chooses"""
    into: str = "runs/faceoff"
    """where faceoff.json and faceoff.png are written; what is there already by the same terms is not done again"""

    def __post_init__(self) -> None:
        names = ",".join(self.backbones).split(",")  # a list with commas is one too
        named = [name if is_own(name) else name.replace("_", "-") for name in names if name]
        object.__setattr__(self, "backbones", tuple(named))

    def terms(self) -> Terms:
        """What is the same for all worlds."""
        return Terms(**{term.name: getattr(self, term.name) for term in fields(Terms)})


@dataclass
class Book:
    """What was found, on disk after each step."""

    path: Path
    terms: Mapping[str, Any]
    worlds: dict[str, dict[str, Any]] = field(default_factory=dict)

    def open(self) -> None:
        """Take up what was found before.

        Raises:
            UserError: if it was found by other terms.
        """
        if not self.path.exists():
            return
        try:
            known = json.loads(self.path.read_text())
            terms, worlds = known["terms"], known["worlds"]
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{self.path} is no face-off ({error}); name another folder by --into") from error
        if terms != json.loads(json.dumps(self.terms)):
            raise UserError(f"{self.path} was made by other terms; name another folder by --into, or move it away")
        self.worlds = worlds

    def write(self) -> None:
        """All of it, whole or not at all."""
        write_json(self.path, {"terms": self.terms, "worlds": self.worlds})


def faceoff(arguments: Sequence[str]) -> None:
    """Measure what is missing, then print the table and draw the picture."""
    chosen = read(FaceOff, arguments, "reverie faceoff")
    _check(chosen)
    terms, into = chosen.terms(), Path(chosen.into)
    told = asdict(terms) | {name: getattr(chosen, name) for name in ("lengths", "batch_steps", "repeats", "threads")}
    book = Book(into / "faceoff.json", told)
    book.open()
    for backbone in chosen.backbones:
        world = book.worlds.setdefault(backbone, {"costs": [], "versions": versions()})
        for length in chosen.lengths[len(world["costs"]) :]:
            world["costs"].append(asdict(alone(_cost, chosen, backbone, length)))
            book.write()
        if "error" not in world:
            world |= asdict(alone(_face, chosen, backbone))
            book.write()
        print(f"{backbone}: {_told(world, terms)}", flush=True)
    worlds = {name: book.worlds[name] for name in chosen.backbones}
    print(f"\n{table(worlds, terms)}\n")
    picture = into / "faceoff.png"
    draw_faceoff(worlds, terms.steps, picture, f"{terms.env.env}: {terms.updates:,} updates of each world")
    print(f"{book.path}\n{picture}")


def table(worlds: Mapping[str, Mapping[str, Any]], terms: Terms) -> str:
    """A row for each world, as Markdown."""
    timed = [row["length"] for row in next(iter(worlds.values()))["costs"]]
    head = ["world", "parameters"]
    head += [f"at {length:,}: ms, MiB an update, ms a dreamed step" for length in timed]
    head += [f"error at {step}" for step in terms.steps] + [f"reward's at {step}" for step in terms.steps]
    head += ["return"] if terms.behaviour_updates else []
    rows = []
    for name, world in worlds.items():
        row = [name, f"{world['parameters']:,}"]
        for paid in world["costs"]:
            peak = "?" if paid["peak_mib"] is None else round(paid["peak_mib"])
            row.append(f"{paid['update_ms']:.0f}, {peak}, {paid['dream_ms']:.2f}")
        # A number that is none is null in JSON.
        row += ["-" if x is None or x != x else f"{x:.2f}" for x in (*world["error"], *world["reward_error"])]
        rows.append(row + ([f"{fmean(world['returns']):.0f}"] if terms.behaviour_updates else []))
    return markdown(head, rows)


def _told(world: Mapping[str, Any], terms: Terms) -> str:
    pairs = zip(terms.steps, world["error"], strict=True)
    return "error " + ", ".join(f"{error:.2f} at {step}" for step, error in pairs)


def _cost(chosen: FaceOff, backbone: str, length: int) -> Cost:
    choose_threads(chosen.threads)
    return cost(chosen.terms(), backbone, length, chosen.batch_steps, chosen.repeats)


def _face(chosen: FaceOff, backbone: str) -> Findings:
    choose_threads(chosen.threads)
    return face(chosen.terms(), backbone)


def _check(chosen: FaceOff) -> None:
    for name in ("frames", "updates", "context", "episodes", "batch_steps", "repeats"):
        if getattr(chosen, name) < 1:
            raise UserError(f"--{name.replace('_', '-')} must be at least 1, not {getattr(chosen, name)}")
    for name, least in (("steps", 1), ("lengths", 2)):
        values = getattr(chosen, name)
        if not values or min(values) < least:
            raise UserError(f"--{name} needs numbers of at least {least}, not {list(values)}")
    if not chosen.backbones:
        raise UserError("--backbones needs a name, as in: --backbones gru s5")
    if chosen.behaviour_updates < 0:
        raise UserError(f"--behaviour-updates must not be negative, not {chosen.behaviour_updates}")
    choose_device(chosen.device)
    for name in chosen.backbones:
        contender(chosen.terms(), name, chosen.length, 1)
    if chosen.data:
        check_data(chosen.terms(), chosen.backbones[0])
