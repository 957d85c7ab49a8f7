"""Updates as CUDA graphs: recorded once, replayed without the host's launching each of their kernels."""

from collections.abc import Callable

import torch

from reverie.agents.program import Stage
from reverie.errors import UserError
from reverie.types import Batch, Metrics

WARM = 3
"""Updates before one is recorded: libraries load, and optimisers make their moments, outside of a recording."""


class Recording:
    """One kind of update. The first few run as they are; then one is recorded, and from there on it is replayed.

    All that an update reads and writes stays where it was when it was recorded: weights, moments and statistics are
    written in place everywhere, and a batch is copied into the recorded one. Random numbers go on as without a graph.
    """

    def __init__(self, update: Callable[[Batch], Metrics], generator: torch.Generator) -> None:
        self._update, self._generator = update, generator
        self._graph = torch.cuda.CUDAGraph()
        self._stream = torch.cuda.Stream(generator.device)
        self._calls = 0
        self._batch: Batch
        self._metrics: Metrics

    def __call__(self, batch: Batch) -> Metrics:
        """Update once.

        Args:
            batch: of the same shapes at every call.

        Returns:
            Metrics that hold until the next call.
        """
        self._calls += 1
        if self._calls <= WARM:
            return self._beside(batch)
        if self._calls == WARM + 1:
            self._batch = batch.map(torch.clone)
            self._record()
        torch._foreach_copy_(self._batch.columns(), batch.columns())
        self._graph.replay()
        return self._metrics

    def _beside(self, batch: Batch) -> Metrics:
        """An update on a stream of its own, as what is recorded later will be."""
        here = torch.cuda.current_stream(self._stream.device)
        self._stream.wait_stream(here)
        with torch.cuda.stream(self._stream):
            metrics = self._update(batch)
        here.wait_stream(self._stream)
        return metrics

    def _record(self) -> None:
        self._graph.register_generator_state(self._generator)
        try:
            with torch.cuda.graph(self._graph, stream=self._stream):
                self._metrics = self._update(self._batch)
        except RuntimeError as error:
            raise UserError(
                "such an update waits for the device, and cannot be a CUDA graph: "
                f"{str(_first(error)).splitlines()[0]}; leave --graphs out"
            ) from error


class Graphs:
    """A learner's updates, each stage's recorded by itself."""

    def __init__(self, learn: Callable[[Stage, Batch], Metrics], generator: torch.Generator) -> None:
        """Raises:
        UserError: if the device is none of CUDA's.
        """
        if generator.device.type != "cuda":
            raise UserError(
                f"--graphs needs a CUDA device, not '{generator.device}'; leave it out, or try --device cuda"
            )
        self._learn, self._generator = learn, generator
        self._recordings: dict[str, Recording] = {}

    def __call__(self, stage: Stage, batch: Batch) -> Metrics:
        """Update once.

        Raises:
            UserError: if an update of that stage cannot be recorded.
        """
        if stage.name not in self._recordings:
            self._recordings[stage.name] = Recording(lambda batch: self._learn(stage, batch), self._generator)
        return self._recordings[stage.name](batch)


def _first(error: BaseException) -> BaseException:
    """What went wrong before all that follows from it."""
    while error.__context__ is not None:
        error = error.__context__
    return error
