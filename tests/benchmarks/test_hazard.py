"""What benchmarks/hazard.py counts in reality, against a walk through episodes."""

import sys
from pathlib import Path

import numpy as np
import pytest


def test_ends_per_step_lived_by_a_slow_walk(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    import hazard

    monkeypatch.delitem(sys.modules, "recall")  # other tests load it as a module of their own
    rng = np.random.default_rng(0)
    left, terminal = rng.integers(1, 80, 50).tolist(), rng.integers(0, 2, 50).astype(bool).tolist()
    found = hazard.happened(left, terminal)
    for (begin, end), rate in zip(hazard.AHEAD, found, strict=True):
        ends = lived = 0
        for steps, over in zip(left, terminal, strict=True):
            for step in range(1, steps + 1):
                if begin < step <= end:
                    lived += 1
                    ends += over and step == steps
        assert rate == pytest.approx(ends / lived)
