"""How records come into the replay while a stage runs: where the loop's two halves, collecting and learning, meet.

They exchange two messages: records one way, the agent's weights the other. In turn both are function calls; live, a
thread acts with an agent of its own.
"""

import threading
from collections import deque
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Protocol, Self

from torch import Tensor

from reverie.agents.config import Config
from reverie.agents.program import Program, Stage
from reverie.data.replay import Record
from reverie.errors import UserError

if TYPE_CHECKING:
    from reverie.train.trainer import Trainer

PATIENCE = 60.0
"""Seconds that the step under way may take once a run is to end."""
MOST = 4096
"""Records that may wait for the learner, which may be evaluating; acting waits beyond, for memory has an end."""


class Supply(Protocol):
    """Brings records into a trainer's replay, from the beginning of a stage to its end."""

    waits: bool
    """Whether nothing is collected but where it is asked for, so that what else is done is no training time."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: object) -> None: ...

    def bring(self) -> int:
        """Bring what was collected into the replay.

        Returns:
            The updates to make before it is asked again.

        Raises:
            UserError: if an environment or the agent gave a number that is not finite.
        """
        ...

    def still(self) -> AbstractContextManager[None]:
        """A block in which nothing is collected, and all that was collected is in the replay: what can be kept.

        Raises:
            UserError: as `bring` does: what failed may have left half a step.
        """
        ...

    def end(self) -> None:
        """From here on nothing is collected, and all that was is in the replay.

        Raises:
            UserError: if an environment does not come back from a step.
        """
        ...


class _Waiting:
    """What the two supplies that wait have in common."""

    waits = True

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def still(self) -> AbstractContextManager[None]:
        """Any moment is one."""
        return nullcontext()

    def end(self) -> None:
        """Nothing is under way."""


class Nothing(_Waiting):
    """Nothing is collected: the stage learns from what there is."""

    def bring(self) -> int:
        """One update, for it is asked again after each."""
        return int(self._stage.learns)


class InTurn(_Waiting):
    """The environments wait while it learns, and learning waits for them."""

    def __init__(self, trainer: "Trainer", stage: Stage) -> None:
        super().__init__(stage)
        self._trainer = trainer
        self._act = trainer.random if stage.actor == "random" else partial(trainer.act, trainer.agent)

    def bring(self) -> int:
        """Collect for one update, or one step where nothing is learned; the updates that the steps so far are due."""
        trainer, stage = self._trainer, self._stage
        most = min(stage.collect, trainer.steps_until(stage) - trainer.steps)
        trainer.measuring.add(trainer.collector.collect(most, self._act), stage.measure)
        trainer.steps = trainer.collector.steps
        if not stage.learns:
            # Step by step, so that a stop need not wait; who learns needs the statistics at once.
            if trainer.over(stage):
                trainer.measuring.finish()
            return 0
        trainer.measuring.finish()
        updates, steps = trainer.began
        # Environments side by side take several steps at once: each of them counts.
        return (trainer.steps - steps) // stage.collect - trainer.learner.updates + updates


class Live:
    """An agent acts while another learns, and neither waits for the other (Wu et al. 2022, DayDreamer, section 2).

    The one that acts gets the learner's weights every `--share-every` updates, between two steps. Records wait until
    they are asked for, so that the replay has one owner.

    Attributes:
        agent: the one that acts.
    """

    def __init__(self, trainer: "Trainer", stage: Stage) -> None:
        assert stage.actor == "behaviour" and stage.learns, stage  # a program's mistake
        self._trainer, self._stage, self.waits = trainer, stage, False
        self.agent = trainer.new_agent().eval()
        self._act = partial(trainer.act, self.agent)
        self._records: deque[Record] = deque()
        self._weights: deque[dict[str, Tensor]] = deque(maxlen=1)
        self._shared = trainer.learner.updates
        self._failure: BaseException | None = None
        self._over = threading.Event()
        # Whoever holds the door lets nobody in to step: else the thread, which steps again and again, would leave no
        # moment in between to anybody else.
        self._door, self._stepping = threading.Lock(), threading.Lock()
        self._thread = threading.Thread(target=self._step_on, name="acting", daemon=True)

    def __enter__(self) -> Self:
        self._share()
        self._trainer.collector.keep = self._records.append
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.end()
        self._trainer.collector.keep = self._trainer.replay.add

    def bring(self) -> int:
        """Take what has come in; one update, whether anything has or not."""
        self._check()
        self._take()
        if self._trainer.learner.updates - self._shared >= self._trainer.config.train.share_every:
            self._share()
        return 1

    @contextmanager
    def still(self) -> Generator[None]:
        """Between two steps, the next of which waits: a tick or two may pass for a robot."""
        with self._door, self._stepping:
            self._check()
            self._take()
            yield

    def end(self) -> None:
        """Let the step under way be the last one."""
        self._over.set()
        self.waits = True
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            raise UserError(
                f"the environment has not come back from a step for {PATIENCE:g} seconds, so the run ends without it; "
                "the last checkpoint is whole: look after the environment, then resume"
            )
        self._take()

    def take_weights(self) -> None:
        """Between two steps: from here on the agent that acts has the weights that were shared last."""
        if self._weights:
            self.agent.load_state_dict(self._weights.popleft())

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _take(self) -> None:
        trainer = self._trainer
        records = [self._records.popleft() for _ in range(len(self._records))]
        for record in records:
            trainer.replay.add(record)
            trainer.steps += int((~record["first"]).sum())
        trainer.measuring.add(records, self._stage.measure)
        trainer.measuring.finish()

    def _share(self) -> None:
        self._weights.append({name: x.detach().clone() for name, x in self._trainer.agent.state_dict().items()})
        self._shared = self._trainer.learner.updates

    def _step_on(self) -> None:
        """The thread: one step after the other, until the stage has its frames or is over."""
        collector, enough = self._trainer.collector, self._trainer.steps_until(self._stage)
        try:
            while collector.steps < enough and not self._over.is_set():
                if len(self._records) >= MOST:
                    self._over.wait(0.01)
                    continue
                with self._door:
                    pass
                with self._stepping:
                    if not self._over.is_set():  # as it was not at the door
                        self.take_weights()
                        collector.collect(1, self._act)
        except BaseException as failure:  # `bring` raises it, where the run can be stopped
            self._failure = failure


def supply_of(trainer: "Trainer", stage: Stage) -> Supply:
    """How a stage is supplied."""
    if stage.actor == "none":
        return Nothing(stage)
    return Live(trainer, stage) if stage.live else InTurn(trainer, stage)


def check_live(program: Program, config: Config) -> None:
    """See that a program's live stages can be.

    Raises:
        UserError: for what two threads cannot share.
    """
    if not any(stage.live for stage in program):
        return
    if config.train.graphs:
        raise UserError(
            "--graphs records what no other thread may disturb, and --live acts in one: leave it out, or add --no-live"
        )
    if config.env.pixels and config.env.vector == "sync":
        raise UserError(
            "--live steps the environment in a thread of its own, where --pixels cannot be drawn: "
            "add --vector async, which draws in a process, or --no-live"
        )
