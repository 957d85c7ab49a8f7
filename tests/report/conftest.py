"""Tiny agents are importable by name."""

import sys
from pathlib import Path

sys.path += [str(Path(__file__).parent), *(str(Path(__file__).parents[1] / name) for name in ("agents", "train"))]
