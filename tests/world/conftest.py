"""The tiny agents of tests/agents, importable by name where these tests are run alone."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "agents"))
