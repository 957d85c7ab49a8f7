"""The environments of these tests, importable by name, as `py:counting:factory`."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
