"""For each law something that breaks S5, planted; the laws' own breaks are in the file beside."""

from unittest.mock import patch

import pytest
import torch
from backbones import INPUTS, prepare

import laws
from reverie.dynamics.history import Stacked
from reverie.dynamics.s5 import S5, S5Config, States
from reverie.ops import parallel_scan, tree

SAME, SWEEP, SCAN = parallel_scan._same, parallel_scan._sweep_, parallel_scan._Scan


def _in_scans(name, broken):
    """An S5 whose scans, not its steps, have something exchanged in `ops.parallel_scan`."""

    class Broken(S5):
        def scan(self, u, first, state):
            with patch.object(parallel_scan, name, broken):
                return super().scan(u, first, state)

    return Broken


def _up_alone(x, a, segment, **options):
    """Only the way up: steps that are no power of two lack most of their past."""
    for n in range(x.shape[1].bit_length() - 1):
        now = x[:, 2**n :: 2**n]
        now += SAME(x, segment, slice(0, -(2**n), 2**n), slice(2**n, None, 2**n)) * 0.5


def _unturned_powers(x, a, segment, **options):
    """a^2 is the square of each real number."""

    class Pairs:
        add_product_ = staticmethod(parallel_scan.pairs.add_product_)
        product = staticmethod(torch.mul)

    with patch.object(parallel_scan, "pairs", Pairs):
        SWEEP(x, a, segment, **options)


def _wraps(x, a, segment, **options):
    """As a convolution by Fourier transforms without padding: the end enters at the beginning."""
    end = x[:, -1].clone()
    SWEEP(x, a, segment, **options)
    x[:, 0] += 0.01 * end


def _sees_segments_meet(x, segment, there, here):
    """A boundary is seen by the step that it precedes; what jumps over both passes."""
    begins = torch.cat([0 * segment[:, :1], segment[:, 1:] - segment[:, :-1]], 1)
    return torch.where((begins[:, here] == 0).unsqueeze(-1), x[:, there], 0)


class OwesNothingToTheStateBefore(SCAN):
    @staticmethod
    def backward(ctx, *gradients):
        by_a, by_b, by_u, by_before, nothing = SCAN.backward(ctx, *gradients)
        return by_a, by_b, by_u, None if by_before is None else 0 * by_before, nothing


class TurnsTheSameWayBack(SCAN):
    """The gradient without its conjugates."""

    @staticmethod
    def backward(ctx, *gradients):
        with patch.object(parallel_scan.pairs, "conjugate", lambda a: a):
            return SCAN.backward(ctx, *gradients)


class StepTurnsFurther(S5):
    """A step takes a little longer than those of a chunk."""

    def step(self, u, state):
        h, after = super().step(u, state)
        return h, tree.map(lambda x: 1.01 * x, after)


class ChunkStartsFromNothing(S5):
    def scan(self, u, first, state):
        return super().scan(u, first, self.initial(len(u)))


class LastHasOneLayer(S5):
    class History(Stacked):
        def last(self):
            first, *others = super().last().layers
            return States((first, *[torch.zeros_like(x) for x in others]))

    def scan(self, u, first, state):
        h, history = super().scan(u, first, state)
        return h, self.History(history.memory)


class ScanIgnoresFirst(S5):
    def scan(self, u, first, state):
        return super().scan(u, torch.zeros_like(first), state)


class ForgetsRealPartsAlone(S5):
    def forget(self, state, first):
        return tree.map(lambda x: torch.cat([tree.forget(x[:, :3], first), x[:, 3:]], 1), state)


class StartIsOffByOne(S5):
    class History(Stacked):
        def at(self, rows, steps):
            return super().at(rows, (steps - 1).clamp_min(0))

    def scan(self, u, first, state):
        h, history = super().scan(u, first, state)
        return h, self.History(history.memory)


class SelectsTheFirstLayerAlone(S5):
    def select(self, state, rows):
        first, *others = super().select(state, rows).layers
        return States((first, *[x.flip(0) for x in others]))


class StatesDetach(S5):
    def step(self, u, state):
        h, after = super().step(u, state)
        return h, tree.detach(after)


class WritesIntoTheState(S5):
    def step(self, u, state):
        h, after = super().step(u, state)
        with torch.no_grad():
            for old, new in zip(state.layers, after.layers, strict=True):
                old.copy_(new)
        return h, after


BREAKS = {
    "fold": [StepTurnsFurther, _in_scans("_sweep_", _up_alone), _in_scans("_sweep_", _unturned_powers)],
    "chunk": [ChunkStartsFromNothing, LastHasOneLayer],
    "causal": [_in_scans("_sweep_", _wraps)],
    "reset": [ScanIgnoresFirst, ForgetsRealPartsAlone, _in_scans("_same", _sees_segments_meet)],
    "start": [StartIsOffByOne],
    "rows": [SelectsTheFirstLayerAlone],
    "gradient": [
        StatesDetach,
        _in_scans("_Scan", OwesNothingToTheStateBefore),
        _in_scans("_Scan", TurnsTheSameWayBack),
    ],
    "pure": [WritesIntoTheState],
}


def _made(kind):
    torch.manual_seed(1)
    return prepare(kind(S5Config(units=6, states=3), INPUTS))


@pytest.mark.parametrize(
    ("law", "broken"),
    [pytest.param(law, kind, id=f"{law}-{n}-{kind.__name__}") for law in BREAKS for n, kind in enumerate(BREAKS[law])],
)
def test_a_broken_s5_is_found(law, broken):
    with pytest.raises(AssertionError):
        laws.LAWS[law](_made(broken), 0)


@pytest.mark.parametrize("law", laws.LAWS)
def test_what_they_are_made_from_is_not_broken(law):
    laws.LAWS[law](_made(_in_scans("_sweep_", SWEEP)), 0)


def test_every_law_has_a_break_of_s5():
    assert set(BREAKS) == set(laws.LAWS)
