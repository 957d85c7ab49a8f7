"""What goes wrong while a run is trained: the environment, the numbers, the disk."""

from pathlib import Path

import torch
from mistake import Mistake, Place, refusing
from mistakes_environments import HEADER, mine
from mistakes_runs import CHECKPOINT, RUN

from reverie.data.stream import Stream
from reverie.report import evaluate
from reverie.report.log import MetricLog
from reverie.train import checkpoint
from reverie.train.learner import Learner

FULL = OSError(28, "No space left on device")


def exploding(before: bool):
    """Before or after the last update before an evaluation, weights are no numbers: a learning rate too high."""

    def prepare(at: Place) -> None:
        real = Learner.update

        def update(self, *arguments, **options):
            metrics = {} if before else real(self, *arguments, **options)
            if self.updates == 3:
                for weight in self.agent.world.parameters():
                    weight.data.fill_(float("nan"))
            return real(self, *arguments, **options) if before else metrics

        at.patch.setattr(Learner, "update", update)

    return prepare


def whole() -> None:
    """The checkpoint can be read, and all its numbers are some."""
    tensors, _ = checkpoint.read(CHECKPOINT)
    assert all(torch.isfinite(x).all() for x in tensors.values() if x.is_floating_point())


def odd(situation: str, message: str, prepare, check=None) -> Mistake:
    """An environment that goes wrong while a run is trained."""
    command = "train dreamer --env py:mine:make --run run"
    return Mistake(situation, command, message, prepare, leaves="run", tiny=True, check=check)


def kept() -> None:
    """What was learned until then is still there: the evaluation at frame 48 wrote a checkpoint."""
    for name in ("config.json", "metrics.jsonl", "checkpoint/run.safetensors"):
        assert Path("run", name).exists()


def without_end(at: Place) -> None:
    """An environment whose episodes have no end, and little patience."""
    at.module(HEADER + "def make(): return Walk(length=10**9)\n")
    at.patch.setattr(evaluate, "LONGEST", 1000)


CLIP = "a world cannot be learned from that: mend the environment, or clip it in a wrapper"
ENVIRONMENTS = [
    odd(
        "an observation that is no number",
        f"the environment returned an observation 'state' of nan after 30 agent steps; {CLIP}",
        mine("class make(Walk):\n    def seen(self): return super().seen() * (np.nan if self.taken == 30 else 1)\n"),
    ),
    odd(
        "an observation without a bound",
        f"the environment returned an observation 'state' of inf after 55 agent steps; {CLIP}",
        mine("class make(Walk):\n    def seen(self): return super().seen() + (np.inf if self.taken == 55 else 0)\n"),
        check=kept,
    ),
    odd(
        "a reward that is no number",
        f"the environment returned a reward of nan after 12 agent steps; {CLIP}",
        mine(
            "class make(Walk):\n"
            "    def step(self, action):\n"
            "        seen, reward, *rest = super().step(action)\n"
            "        return seen, np.nan if self.taken == 12 else reward, *rest\n"
        ),
    ),
    odd(
        "a reward that is no number, in an evaluation alone",
        f"the environment returned a reward of nan after 7 steps of an evaluation; {CLIP}",
        mine(
            "class make(Walk):\n"
            "    made = 0\n"
            "    def __init__(self):\n"
            "        super().__init__()\n"
            "        make.made += 1\n"
            "        self.number = make.made\n"
            "    def step(self, action):\n"
            "        seen, reward, *rest = super().step(action)\n"
            "        return seen, np.nan if self.number > 1 and self.now == 7 else reward, *rest\n"
        ),
    ),
    odd(
        "an episode that never ends",
        "an episode did not end within … steps; give the environment an end, such as --episode-limit 1000",
        without_end,
    ),
    Mistake(
        "a prefill that is shorter than a chunk",
        "train dreamer --env py:tiny:walk --prefill 2 --run run",
        "the replay holds … records, fewer than a chunk of 5; collect more before learning: raise --prefill, or "
        "--steps where all is collected first",
        leaves="run",
        tiny=True,
    ),
]


def going(situation: str, message: str, prepare, command: str = RUN, check=None) -> Mistake:
    """Something that goes wrong while a run is trained."""
    return Mistake(situation, command, message, prepare, leaves="run", tiny=True, check=check)


MACHINES = [
    going(
        "a loss that is no number",
        "loss/… is nan after 4 updates, so the run stopped; its last checkpoint is whole. "
        "A lower learning rate or --precision float32 may help",
        exploding(before=True),
        check=whole,
    ),
    going(
        "weights that are no numbers before a loss was logged",
        "the agent chose an action that is not a number: its weights or what it saw are not finite; where that happens "
        "in training, a lower learning rate or --precision float32 may help",
        exploding(before=False),
        check=whole,
    ),
    going(
        "a disk that is full when a checkpoint is written",
        "the checkpoint run/checkpoint/run.safetensors cannot be written ([Errno 28] No space left on device); the one "
        "before it is whole, if there was one: make room, then go on with: reverie resume run",
        refusing(checkpoint, "save_file", FULL, after=1),
        check=whole,
    ),
    going(
        "a disk that is full when the replay is written",
        "the replay in run/replay cannot be written (No space left on device); the last checkpoint is whole: make "
        "room, then go on with: reverie resume run",
        refusing(Stream, "save", FULL, after=1),
        check=whole,
    ),
    going(
        "a disk that is full when the log is written",
        "No space left on device; make room, or name another place",
        refusing(MetricLog, "write", FULL, after=4),
        check=whole,
    ),
]
