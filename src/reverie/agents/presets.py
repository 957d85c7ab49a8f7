"""All presets, by name."""

from reverie.agents.dreamer import DREAMER, DREAMER_REWARD
from reverie.agents.preset import Preset

PRESETS: dict[str, Preset] = {preset.name: preset for preset in (DREAMER, DREAMER_REWARD)}
