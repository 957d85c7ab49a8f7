"""The helpers of tests/agents, importable by name."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "agents"))
