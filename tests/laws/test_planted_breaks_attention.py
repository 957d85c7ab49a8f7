"""For each law something that breaks attention, planted; the laws' own breaks are in the file beside."""

from dataclasses import dataclass

import pytest
import torch
from backbones import INPUTS, prepare
from torch.utils import _pytree as pytree

import laws
from reverie.dynamics import attend
from reverie.dynamics.attention import Attention, AttentionConfig
from reverie.dynamics.cache import Cache, Gathered
from reverie.dynamics.positions import Learned, Relative, Rotary
from reverie.dynamics.shared import Shared, SharedStarts
from reverie.dynamics.transformer_xl import TransformerXL, TransformerXLConfig, Waves
from reverie.ops import tree


def _with(where, name, broken, run):
    """What runs while something is exchanged."""
    whole = getattr(where, name)
    setattr(where, name, broken)
    try:
        return run()
    finally:
        setattr(where, name, whole)


class StepSeesAStepMore(Attention):
    """A window of one step more, as long as one dreams."""

    def __init__(self, config, inputs, tokens=1):
        super().__init__(config, inputs, tokens)
        self.back = torch.where(self.back < config.window, (self.back - 1).clamp_min(0), self.back)


class ScanSeesAStepLess(Attention):
    def scan(self, u, first, state):
        kept = Cache.seen

        def seen(self, age, ruler, frame):
            return kept(self, age, ruler._replace(back=ruler.back + 1), frame)

        return _with(Cache, "seen", seen, lambda: super(ScanSeesAStepLess, self).scan(u, first, state))


class AgeStandsStill(Attention):
    def step(self, u, state):
        h, after = super().step(u, state)
        return h, after._replace(age=state.age)


class ChunkForgetsItsAge(Attention):
    """Places begin anew with each chunk: the keys of the chunk before are too near."""

    def scan(self, u, first, state):
        h, history = super().scan(u, first, state)
        begun = torch.cumsum(first, 1) > 0
        late = torch.arange(first.shape[1]) + 1
        return h, type(history)(history.pairs, torch.where(begun, history.age, late), history.frame)


class LastIsOneStepShort(Attention):
    class History(Gathered):
        def last(self):
            rows = torch.arange(len(self.age))
            return self.at(rows, torch.full_like(rows, max(0, self.age.shape[1] - 2)))

    def scan(self, u, first, state):
        h, history = super().scan(u, first, state)
        return h, self.History(history.pairs, history.age, history.frame)


class Peeks(Attention):
    def scan(self, u, first, state):
        ahead = torch.cat([u[:, 1:], torch.zeros_like(u[:, :1])], 1)
        return super().scan(u + 0.01 * ahead, first, state)


class SeesTheNextToken(Attention):
    """The mask is right between steps, and lets the last step's tokens out a step too soon."""

    def scan(self, u, first, state):
        kept = Cache.seen

        def seen(self, age, ruler, frame):
            all_of_it = kept(self, age, ruler, frame)
            return all_of_it._replace(allowed=all_of_it.allowed | (ruler.distance == -frame.tokens))

        return _with(Cache, "seen", seen, lambda: super(SeesTheNextToken, self).scan(u, first, state))


class ForgetsNothing(Attention):
    def forget(self, state, first):
        return state


class ScanIgnoresFirst(Attention):
    def scan(self, u, first, state):
        return super().scan(u, torch.zeros_like(first), state)


class StartIsOffByOne(Attention):
    class History(Gathered):
        def windows(self, rows, steps):
            return super().windows(rows, (steps - 1).clamp_min(0))

    def scan(self, u, first, state):
        h, history = super().scan(u, first, state)
        return h, self.History(history.pairs, history.age, history.frame)


class StartHasTheContextOfOneStep(Attention):
    """The cache cannot start at (b, t): what came before is not there."""

    class History(Gathered):
        def at(self, rows, steps):
            return super().at(rows, steps)._replace(age=torch.ones_like(rows))

    def scan(self, u, first, state):
        h, history = super().scan(u, first, state)
        return h, self.History(history.pairs, history.age, history.frame)


class SharedStartsSeeTheChunksEnd(Attention):
    """Dreams that share a chunk's keys see those which came after their start."""

    class Memory(Shared):
        def seen(self, age, ruler, frame):
            every = Shared.seen(self, age, ruler, frame)
            stored = self.store[0].keys.shape[1]
            late = torch.arange(every.allowed.shape[-1]) < stored
            return every._replace(allowed=every.allowed | (late & (every.distance < 0) & (every.distance > -9)))

    @dataclass(frozen=True)
    class History(SharedStarts):
        def at(self, rows, steps):
            return SharedStartsSeeTheChunksEnd.Memory(*super().at(rows, steps))

    def scan(self, u, first, state):
        h, history = super().scan(u, first, state)
        return h, self.History(history.pairs, history.age, history.frame)


class SharedStartsSitOnOthersSeats(Attention):
    @dataclass(frozen=True)
    class History(SharedStarts):
        def at(self, rows, steps):
            state = super().at(rows, steps)
            return state._replace(seats=state.seats._replace(seat=state.seats.seat.flip(0)))

    def scan(self, u, first, state):
        h, history = super().scan(u, first, state)
        return h, self.History(history.pairs, history.age, history.frame)


class SelectsTheAgeAlone(Attention):
    def select(self, state, rows):
        state = super().select(state, rows)
        return state._replace(pairs=pytree.tree_map(lambda x: x.flip(0), state.pairs))


class MixesRows(Attention):
    def step(self, u, state):
        return super().step(u + 0.01 * u.mean(0, keepdim=True), state)


class CacheDetaches(Attention):
    """Dreams whose keys carry no gradient."""

    def step(self, u, state):
        h, after = super().step(u, state)
        return h, tree.map(lambda x: x.detach(), after)


class OwesNothingForKeys(Attention):
    """The gradient by hand lacks what later steps owe to this step's key."""

    def step(self, u, state):
        class Slide(attend._Slide):
            @staticmethod
            def backward(ctx, mixed, keys, values):
                return attend._Slide.backward(ctx, mixed, torch.zeros_like(keys), values)

        return _with(attend, "_Slide", Slide, lambda: super(OwesNothingForKeys, self).step(u, state))


class WritesIntoTheCache(Attention):
    def step(self, u, state):
        h, after = super().step(u, state)
        with torch.no_grad():
            state.pairs[0].keys.add_(1)
        return h, after


class TurnsBackwards(Rotary):
    """Rotated by the place in the step, that is, not at all: keys at all distances look alike."""

    def angles(self, place):
        return super().angles(place - place[:, :1])


class CountsFromTheChunk(Learned):
    def enter(self, x, place):
        return super().enter(x, place - place[:, :1])


class MeasuresFromTheOldestKey(Relative):
    """The distance is the key's slot, which is something else in a scan than in a step."""

    def _index(self, like, distance):
        slots = torch.arange(distance.shape[-1]).clamp_max(self.keys.shape[1] - 1)
        return slots.expand(len(like), like.shape[1], *distance.shape[1:])


class WavesOfSlots(Waves):
    """The distance is the key's slot, which is something else in a scan than in a step."""

    def _index(self, like, distance):
        slots = torch.arange(distance.shape[-1]).clamp_max(self.distances - 1)
        return slots.expand(len(like), like.shape[1], *distance.shape[1:])


BREAKS = [
    ("fold", StepSeesAStepMore),
    ("fold", ScanSeesAStepLess),
    ("fold", AgeStandsStill),
    ("chunk", ChunkForgetsItsAge),
    ("chunk", LastIsOneStepShort),
    ("causal", Peeks),
    ("causal", SeesTheNextToken),
    ("reset", ForgetsNothing),
    ("reset", ScanIgnoresFirst),
    ("start", StartIsOffByOne),
    ("start", StartHasTheContextOfOneStep),
    ("rows", SelectsTheAgeAlone),
    ("rows", MixesRows),
    ("gradient", CacheDetaches),
    ("gradient", OwesNothingForKeys),
    ("pure", WritesIntoTheCache),
]
SHARED_BREAKS = [("start", SharedStartsSeeTheChunksEnd), ("start", SharedStartsSitOnOthersSeats)]
POSITION_BREAKS = [
    ("fold", "rotary", TurnsBackwards),
    ("chunk", "rotary", TurnsBackwards),
    ("chunk", "learned", CountsFromTheChunk),
    ("fold", "relative", MeasuresFromTheOldestKey),
    ("fold", "waves", WavesOfSlots),
]


def _attention(broken=None, positions="rotary", **options):
    """Attention, or with waves Transformer-XL; what is broken takes the place of its methods."""
    torch.manual_seed(1)
    sizes = {"units": 8, "heads": 2, "layers": 2, "hidden": 6, "window": 4} | options
    if positions == "waves":
        kind = type("Broken", (broken, TransformerXL), {}) if broken else TransformerXL
        return kind(TransformerXLConfig(**sizes), INPUTS)
    return (broken or Attention)(AttentionConfig(positions=positions, **sizes), INPUTS)


def _found(backbone, law):
    with pytest.raises(AssertionError):
        laws.LAWS[law](prepare(backbone), 0)


def _name(x):
    return x if isinstance(x, str) else x.__name__


@pytest.mark.parametrize(("law", "broken"), BREAKS, ids=_name)
def test_broken_attention_is_found(law, broken):
    _found(_attention(broken), law)


@pytest.mark.parametrize(("law", "broken"), BREAKS, ids=_name)
def test_broken_transformer_xl_is_found(law, broken):
    _found(_attention(broken, "waves"), law)


@pytest.mark.parametrize(("law", "broken"), SHARED_BREAKS, ids=_name)
def test_broken_sharing_is_found(law, broken):
    _found(_attention(broken, starts="shared"), law)


@pytest.mark.parametrize(("law", "kind", "broken"), POSITION_BREAKS, ids=_name)
def test_broken_positions_are_found(law, kind, broken):
    backbone = _attention(positions=kind)
    whole = backbone.positions
    whole.__class__ = broken
    _found(backbone, law)


def test_every_law_has_a_break_of_attention():
    assert {law for law, _ in BREAKS} == set(laws.LAWS)
