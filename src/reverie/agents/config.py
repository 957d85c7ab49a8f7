"""The configuration of a run: every part's own, and how it is trained."""

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from reverie.behaviour.planner import UnplannedConfig
from reverie.dynamics.dynamics import DynamicsConfig
from reverie.envs.make import EnvConfig
from reverie.errors import UserError
from reverie.representation.decoder import DecoderConfig
from reverie.representation.encoder import EncoderConfig
from reverie.representation.preprocess import PreprocessConfig
from reverie.world.heads import ContinueConfig, HeadConfig


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How a run is trained."""

    seed: int = 0
    """fixes everything that is drawn; on a CPU, to the bit"""
    steps: int = 60_000
    """environment frames: agent steps times action repeat, prefill included, evaluation not"""
    prefill: int = 5_000
    """frames collected at random before learning begins"""
    hold: tuple[int, ...] = (1,)
    """steps for which an action of the random collection is held; of several numbers one is drawn for each action"""
    pretrain: int = 100
    """updates on the prefilled frames before the agent acts"""
    train_every: int = 2
    """agent steps per update"""
    live: bool = False
    """act while learning, in a thread of its own, as a robot has to: as many updates as there is time for, whatever
    --train-every says; no seed repeats such a run (see --rate)"""
    share_every: int = 10
    """with --live, updates after which the agent that acts gets the weights as they are"""
    batch: int = 16
    """B, chunks per update"""
    length: int = 16
    """T, steps per chunk"""
    burn_in: int = 0
    """steps before each chunk that are seen without a loss: it begins in the state after them, not in an empty one"""
    replay_mib: float = 1024.0
    """hard cap of the replay"""
    balance: float = 0.0
    """temperature of draws from the replay: a chunk drawn n times weighs exp(-n / balance) (TWM: 20); 0: draws are
    uniform"""
    eval_every: int = 5_000
    """frames between evaluations"""
    eval_episodes: int = 10
    """episodes per evaluation, each in an environment of its own with a seed of its own; 0: no evaluation is made, and
    none of these is opened"""
    log_every: int = 100
    """updates between lines of metrics"""
    wandb: str = ""
    """project of Weights & Biases that is shown the metrics as well; empty: none"""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1, mps, ..."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """bfloat16 computes matrix products in half precision; weights stay in float32"""
    compile: bool = False
    """compile layers and cells by torch.compile: a minute's wait that pays on a GPU"""
    graphs: bool = False
    """record each kind of update as a CUDA graph and replay it, which spares the launches of its kernels; CUDA alone"""
    threads: int = 0
    """CPU threads; 0 takes OMP_NUM_THREADS, or else the cores there are, at most 4"""

    def __post_init__(self) -> None:
        for name in ("steps", "train_every", "share_every", "batch", "eval_every", "log_every"):
            if getattr(self, name) < 1:
                raise UserError(f"--{name.replace('_', '-')} must be at least 1, not {getattr(self, name)}")
        _check_holds(self.hold)
        for name in ("seed", "prefill", "pretrain", "burn_in", "eval_episodes", "threads"):
            if getattr(self, name) < 0:
                raise UserError(f"--{name.replace('_', '-')} must not be negative, not {getattr(self, name)}")
        object.__setattr__(self, "hold", tuple(self.hold))  # JSON has lists alone
        if self.seed >= 2**64:
            raise UserError(f"--seed must be below 2**64 = {2**64}, not {self.seed}")
        if self.prefill >= self.steps:
            cure = f"lower it, such as --prefill {self.steps // 5}" if self.steps > 4 else "raise --steps"
            raise UserError(f"--prefill {self.prefill:,} leaves nothing of --steps {self.steps:,} to learn in; {cure}")
        if self.length < 2:
            raise UserError(f"--length must be at least 2, not {self.length}: a chunk needs a step to predict")
        if not 0 <= self.balance < math.inf:
            raise UserError(f"--balance must be a positive temperature, or 0 for uniform draws, not {self.balance}")
        if not 0 < self.replay_mib < math.inf:
            raise UserError(f"--replay-mib must be a positive number, not {self.replay_mib}")

    @property
    def records(self) -> int:
        """Of what is drawn for a chunk, the steps before it included."""
        return self.burn_in + self.length


def _check_holds(holds: tuple[int, ...]) -> None:
    if not holds or min(holds) < 1:
        raise UserError(f"--hold needs numbers of at least 1, not {' '.join(map(str, holds)) or 'none'}")


@dataclass(frozen=True, kw_only=True)
class Config:
    """A resolved run. The parts marked Any have the configuration of the part that was chosen for them."""

    env: EnvConfig
    """the environment"""
    train: TrainConfig = field(default_factory=TrainConfig)
    """the run"""
    preprocess: PreprocessConfig = field(default_factory=PreprocessConfig)
    """inputs"""
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    """observations to embeddings"""
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    """features to observations"""
    dynamics: DynamicsConfig = field(default_factory=DynamicsConfig)
    """the networks around the backbone"""
    reward: HeadConfig = field(default_factory=HeadConfig)
    """the reward head"""
    continue_: ContinueConfig = field(default_factory=ContinueConfig)
    """the head for the chance that the episode goes on"""
    backbone: Any
    latent: Any
    posterior: Any
    objective: Any
    behaviour: Any
    planner: Any = field(default_factory=UnplannedConfig)
