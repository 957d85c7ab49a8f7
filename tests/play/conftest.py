"""The helpers of tests/agents and tests/train, importable by name."""

import sys
from pathlib import Path

sys.path += [str(Path(__file__).parents[1] / name) for name in ("agents", "train")]
