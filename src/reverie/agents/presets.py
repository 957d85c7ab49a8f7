"""All presets, by name."""

from reverie import own
from reverie.agents.awm import AWM
from reverie.agents.daydreamer import DAYDREAMER
from reverie.agents.dcwm import DCWM
from reverie.agents.dreamer import DREAMER, DREAMER_REWARD
from reverie.agents.dreamerv2 import DREAMERV2
from reverie.agents.dreamerv3 import DREAMERV3
from reverie.agents.planet import PLANET
from reverie.agents.preset import Preset
from reverie.agents.rssm import RSSM_CONTINUOUS, RSSM_DISCRETE
from reverie.agents.s4wm import S4WM
from reverie.agents.tcrl import TCRL
from reverie.agents.tdmpc2 import TDMPC2
from reverie.agents.transdreamer import TRANSDREAMER, TSSM
from reverie.agents.twm import TWM
from reverie.agents.worldmodels import WORLDMODELS
from reverie.errors import UserError, unknown

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        DREAMER,
        DREAMER_REWARD,
        DREAMERV2,
        DREAMERV3,
        DAYDREAMER,
        RSSM_CONTINUOUS,
        RSSM_DISCRETE,
        TSSM,
        TRANSDREAMER,
        AWM,
        S4WM,
        TWM,
        WORLDMODELS,
        PLANET,
        TDMPC2,
        TCRL,
        DCWM,
    )
}


def preset_named(name: str) -> Preset:
    """Reverie's preset of that name, or the user's own, as in "py:package.module:PRESET".

    Raises:
        UserError: if there is none.
    """
    if not isinstance(name, str):
        raise UserError(f"a preset should be a name, such as 'dreamer' or 'py:package.module:PRESET', not {name!r:.60}")
    if own.is_own(name):
        return own.find(name, "PRESET", "preset", lambda found: isinstance(found, Preset))
    if name not in PRESETS:
        raise unknown("preset", name, PRESETS)
    return PRESETS[name]
