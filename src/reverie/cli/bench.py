"""`reverie bench`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import torch
import tyro

from reverie.agents.config import Config
from reverie.agents.parts import Parts
from reverie.agents.preset import Preset
from reverie.agents.presets import preset_named
from reverie.cli.reading import read
from reverie.envs.make import EnvConfig
from reverie.errors import UserError, about, unknown
from reverie.report.write import write_json
from reverie.train.bench import Measurement, alone, joint_stage, measure
from reverie.train.device import choose_device, choose_threads
from reverie.train.folder import versions
from reverie.train.matched import SCALES, matched


@dataclass(frozen=True)
class Bench:
    """Measure updates, dreams and acting on this machine."""

    preset: Annotated[str, tyro.conf.Positional] = "dreamer"
    """which agent the scale laptop is of"""
    scales: tuple[str, ...] = ("laptop", "matched")
    """laptop, paper, ...: the preset's own; matched: batch 16 x 64, GRU 256, 16 x 16 categorical, MLP 2 x 256, all
    1,024 starts x 15; matched-attention: the same with 4 layers of attention, 256 wide, 4 heads, over 64 steps"""
    observations: tuple[Literal["state", "pixels"], ...] = ("state", "pixels")
    """what is observed: a vector, or 64 x 64 images"""
    env: str = "gym:Pendulum-v1"
    """the environment whose steps are timed and whose shapes are learned"""
    precision: tuple[Literal["float32", "bfloat16"], ...] = ("float32",)
    """precisions of the update"""
    compile: tuple[bool, ...] = (False,)
    """whether layers and cells are compiled"""
    graphs: tuple[bool, ...] = (False,)
    """whether updates are CUDA graphs"""
    device: str = "cpu"
    """where to compute"""
    threads: int = 0
    """CPU threads; 0 chooses"""
    repeats: int = 10
    """updates per median"""
    output: str = ""
    """a JSON file for the figures"""


class Row(NamedTuple):
    """What one line of the table measures."""

    scale: str
    observed: str
    precision: str
    compile: bool
    graphs: bool

    @property
    def name(self) -> str:
        """As the table calls it."""
        also = (*["compiled"] * self.compile, *["graphs"] * self.graphs)
        return " ".join((self.scale, self.observed, self.precision, *also))


def _configured(preset: Preset, scale: str, env: EnvConfig) -> tuple[Config, Parts]:
    if scale not in SCALES:
        return preset.config(env, scale), preset.parts
    parts = SCALES[scale]
    return matched(preset.config(env, parts=parts), parts), parts


def _one(chosen: Bench, row: Row) -> Measurement:
    """One row, in a process of its own so that peak memory is its own."""
    choose_threads(chosen.threads)
    preset = preset_named(chosen.preset)
    config, parts = _configured(preset, row.scale, EnvConfig(env=chosen.env, pixels=row.observed == "pixels"))
    train = replace(config.train, precision=row.precision, compile=row.compile, graphs=row.graphs)  # type: ignore[arg-type]
    config = replace(config, train=train)
    return measure(config, parts, preset.program(config), choose_device(chosen.device), chosen.repeats)


COLUMNS = (
    ("update", "update_ms", "8.1f"),
    ("world", "world_ms", "8.1f"),
    ("behaviour", "behaviour_ms", "9.1f"),
    ("data", "data_ms", "6.2f"),
    ("env step", "environment_ms", "8.3f"),
    ("act", "act_ms", "6.2f"),
    ("dreamed/s", "dreamed_steps_per_second", "10,.0f"),
    ("GFLOP", "gflop", "7.1f"),
    ("GFLOP/s", "gflop_per_second", "7.0f"),
    ("matmul", "matmul_gflop_per_second", "6.0f"),
    ("share", "share", "5.0%"),
    ("MiB", "peak_mib", "7.0f"),
)


def bench(arguments: Sequence[str]) -> None:
    """Print a table, times in milliseconds, and write it as JSON where asked."""
    chosen = read(Bench, arguments, "reverie bench")
    preset = preset_named(chosen.preset)
    if chosen.repeats < 1:
        raise UserError(f"--repeats must be at least 1, not {chosen.repeats}")
    for scale in chosen.scales:
        if scale not in SCALES and scale not in preset.scales:
            raise unknown(f"scale of {preset.name}", scale, (*preset.scales, *SCALES))
    with about(chosen.preset):
        joint_stage(preset.program(preset.config(EnvConfig(env=chosen.env))))
    device, threads = choose_device(chosen.device), choose_threads(chosen.threads)
    print(f"{chosen.preset} on {device}, {threads} threads, torch {torch.__version__}; times in ms, medians")
    widths = [max(len(name), int(spec.split(".")[0].strip(","))) for name, _, spec in COLUMNS]
    print(f"{'':<40}" + "  ".join(name.rjust(width) for (name, _, _), width in zip(COLUMNS, widths, strict=True)))
    rows = []
    for row in map(
        Row._make, product(chosen.scales, chosen.observations, chosen.precision, chosen.compile, chosen.graphs)
    ):
        found = alone(_one, chosen, row)
        values = ((getattr(found, key), spec) for _, key, spec in COLUMNS)
        cells = ["?" if value is None else format(value, spec) for value, spec in values]
        print(f"{row.name:<40}" + "  ".join(c.rjust(w) for c, w in zip(cells, widths, strict=True)), flush=True)
        rows.append({"name": row.name, "threads": threads, **asdict(found), "share": found.share})
    if chosen.output:
        about_device = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
        write_json(Path(chosen.output), {"versions": versions(), "device": about_device, "rows": rows})
