"""How the C library's allocator treats memory that is freed."""

import ctypes
import os
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""glibc's names (malloc.h)."""
KEPT = 256 * 2**20
"""Bytes of freed memory that are not given back."""
MAPPED = 32 * 2**20
"""Bytes from which a block is the system's own: a replay's, not a network's."""


def keep_freed() -> bool:
    """Have glibc keep what tensors of an update free for those of the next; gives whether it does.

    Left to itself it hands blocks of some megabytes back, and the system clears each page of them when they are asked
    for again: 2 to 11 % of an update on a CPU. Where the user has set the allocator (MALLOC_...), or it is another one,
    nothing changes.
    """
    if not sys.platform.startswith("linux") or any(name.startswith("MALLOC_") for name in os.environ):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(M_TRIM_THRESHOLD, KEPT)) and bool(mallopt(M_MMAP_THRESHOLD, MAPPED))
