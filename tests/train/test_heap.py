"""Freed memory is kept: in a process of its own, since the allocator remembers."""

import subprocess
import sys

import pytest

PROBE = """
import resource, sys
from reverie.train.heap import keep_freed
import numpy as np
kept = keep_freed() if sys.argv[1] == "keep" else False
def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def work():
    blocks = [np.ones(1_000_000) for _ in range(8)]
    blocks.clear()
for _ in range(3):
    work()
before = faults()
for _ in range(10):
    work()
print(int(kept), faults() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc is Linux's")
def test_pages_are_not_asked_for_again_and_the_user_can_forbid_it():
    def run(mode, **environment):
        done = subprocess.run(
            [sys.executable, "-c", PROBE, mode], capture_output=True, text=True, check=True, env=environment
        )
        return tuple(map(int, done.stdout.split()))

    kept, few = run("keep")
    if not kept:
        pytest.skip("this C library is not glibc")
    _, many = run("leave")
    assert few < many / 10
    assert run("keep", MALLOC_ARENA_MAX="1")[0] == 0
