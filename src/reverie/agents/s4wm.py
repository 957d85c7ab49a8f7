"""S4WM (Deng et al. 2023): a world whose memory is a stack of state spaces; its page is docs/presets/s4wm.md."""

from dataclasses import replace

from reverie.agents import transdreamer
from reverie.agents.config import TrainConfig
from reverie.agents.parts import Parts
from reverie.agents.preset import Preset
from reverie.agents.programs import one_world
from reverie.dynamics.s5 import S5Config
from reverie.latent.categorical import CategoricalConfig
from reverie.latent.gaussian import GaussianConfig
from reverie.nets.optimiser import OptimiserConfig
from reverie.world.objective import FilteringConfig

LAPTOP = {"train": TrainConfig(threads=1), "backbone": (S5Config(),)}
"""Two small layers whose states forget within tens of steps; what is not named has the part's default."""

LARGE = transdreamer.PAPER | {
    "train": replace(transdreamer.WORLD["train"], batch=8, length=1000),
    "backbone": (S5Config(units=512, layers=6, states=100, blocks=10, initial="hippo"),),
    "latent": (GaussianConfig(size=256), CategoricalConfig(groups=16, classes=16, unimix=0.0)),
    "objective": (
        # KL balance 0.8 of a KL that weighs 0.4; decoupled decay of 0.01, times the rate
        FilteringConfig(
            optimiser=OptimiserConfig(lr=1e-4, weight_decay=1e-6),
            vector=1.0,
            image=1.0,
            reward=1.0,
            continuation=1.0,
            dynamics=0.32,
            representation=0.08,
            free_nats=1.0,
        ),
    ),
}
"""Another team's values for the world (the page says whose), and TransDreamer's for the rest: the paper's own tables
are not public in full."""

S4WM = Preset(
    name="s4wm",
    summary="a stack of state spaces as world, for long memory, actor by the gradient of imagined value",
    paper="Deng et al. 2023, Facing Off World Model Backbones: RNNs, Transformers, and S4",
    parts=Parts(backbone="s5", latent="gaussian", posterior="encode", behaviour="value-gradient"),
    scales={"laptop": LAPTOP, "large": LARGE},
    program=one_world,
)
