"""Devices, threads and memory."""

import os
import re
from pathlib import Path

import torch

from reverie.errors import UserError

MOST_THREADS = 1024
"""Far more than help; so many more that the system would refuse them are told apart from that."""


def choose_device(name: str) -> torch.device:
    """The device of that name; auto takes CUDA, then MPS, then the CPU.

    Raises:
        UserError: if there is no such device here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
        torch.Generator(device)  # which "meta" has none of
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"device '{name}' cannot be used here: {reason}; try --device cpu") from error
    return device


def cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choose_threads(threads: int) -> int:
    """Set how many CPU threads torch uses, and give the number.

    0 takes OMP_NUM_THREADS, or else the cores there are, at most 4: the matrices of these worlds are too small to feed
    more, and threads beyond the cores make an update many times slower.
    """
    if not 0 <= threads <= MOST_THREADS:
        raise UserError(f"--threads must be in [0, {MOST_THREADS}], not {threads}; 0 chooses")
    # OpenMP allows a list, one number for each level of nesting.
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    chosen = threads or (int(asked) if asked.isdigit() else 0) or min(4, cores())
    torch.set_num_threads(chosen)
    return chosen


def free_memory_mib() -> float | None:
    """Memory that programs may still take, in MiB; None where the system does not say."""
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        return None
    line = re.search(r"^MemAvailable: +(\d+) kB$", text, re.MULTILINE)
    return int(line[1]) / 2**10 if line else None
