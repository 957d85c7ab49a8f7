"""Your own preset: parts and values that belong together, under a name.

python examples/own_preset.py [STEPS]
reverie train py:own_preset:DISCRETE --env gym:Pendulum-v1            # from within examples/
"""

import sys
from dataclasses import replace

import reverie
from reverie.agents.dreamer import DREAMER
from reverie.latent.categorical import CategoricalConfig

DISCRETE = replace(
    DREAMER,
    name="discrete",
    summary="Dreamer with few, small categorical latents",
    paper="after Hafner et al. 2020, Dream to Control",
    parts=replace(DREAMER.parts, latent="categorical"),
    scales={"laptop": {**DREAMER.scales["laptop"], "latent": (CategoricalConfig(groups=8, classes=8),)}},
)

if __name__ == "__main__":
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 4_000
    values = {
        "steps": steps,
        "prefill": steps // 4,
        "pretrain": steps // 40,
        "eval_every": steps // 4,
        "eval_episodes": 4,
    }
    # single values have the names of options
    resolved = reverie.resolve("py:own_preset:DISCRETE", "gym:Pendulum-v1", **values, **{"behaviour.horizon": 10})
    print(reverie.run(resolved, "runs/own-preset").pictures)
