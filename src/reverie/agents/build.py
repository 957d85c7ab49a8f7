"""From a configuration to an agent, and to the replay that it learns from."""

import gymnasium
from torch import nn

from reverie.agents.agent import Agent
from reverie.agents.config import Config
from reverie.agents.parts import Parts
from reverie.data.collect import columns_of
from reverie.data.draws import draws
from reverie.data.replay import Replay
from reverie.dynamics.action_conditioned import CONDITIONS
from reverie.dynamics.dynamics import ENTRIES
from reverie.envs.check import uneven_images
from reverie.envs.codec import ActionCodec, codec
from reverie.errors import UserError
from reverie.representation.decoder import Decoder
from reverie.representation.encoder import Encoder
from reverie.representation.preprocess import Preprocess
from reverie.types import Actions, Shapes
from reverie.world.heads import OUTPUTS, Binary, Head
from reverie.world.world import World


def shapes_of(space: gymnasium.spaces.Dict) -> Shapes:
    """The keys of a Dict observation space and their shapes.

    Raises:
        UserError: for a key that is neither a vector nor an image.
    """
    shapes = {key: tuple(box.shape or ()) for key, box in space.spaces.items()}
    for key, shape in shapes.items():
        if len(shape) not in (1, 3):
            raise UserError(
                f"observation '{key}' has shape {shape}; a vector (F,) or an image (H, W, C) can be learned"
            )
    return shapes


def build_world(config: Config, parts: Parts, shapes: Shapes, action: int) -> World:
    """The world for observations of these shapes and actions of that width.

    Raises:
        UserError: for an image whose sides cannot be halved as often as the encoder or the decoder does, or for a
            backbone that reads fewer tokens than enter.
    """
    for stages in (config.encoder.cnn.stages, config.decoder.cnn.stages):
        for finding in uneven_images(shapes, stages):
            raise UserError(f"{finding.message}: {finding.cure}")
    encoder = Encoder(config.encoder, shapes)
    latent = parts.chosen("latent")(config.latent)
    entry = ENTRIES[config.dynamics.join](config.dynamics.entry, latent.size, action)
    parts.fit(config.dynamics.join)
    kind = parts.chosen("backbone")
    # A backbone that reads one token alone is not asked how many.
    several = {"tokens": entry.tokens} if kind.many_tokens else {}
    backbone: nn.Module = kind(config.backbone, entry.size, **several)
    sizes = (backbone.size, latent.size)
    compose = CONDITIONS[config.dynamics.condition]
    posterior = parts.chosen("posterior")(config.posterior, backbone.size, encoder.size, latent.posterior_size)
    return World(
        Preprocess(config.preprocess, shapes),
        encoder,
        compose(config.dynamics, entry, backbone, latent, posterior),
        Decoder(config.decoder, *sizes, shapes) if parts.chosen("objective").reconstructs else None,  # type: ignore[arg-type]
        Head(config.reward, OUTPUTS[config.reward.output](config.reward.bins), *sizes),  # type: ignore[arg-type]
        Head(config.continue_, Binary(), *sizes),  # type: ignore[arg-type]
    )


def build(
    config: Config, parts: Parts, observation_space: gymnasium.spaces.Space, action_space: gymnasium.spaces.Space
) -> Agent:
    """The agent for one environment's spaces; observations are a Dict.

    Raises:
        UserError: if a part cannot work with the environment.
    """
    assert isinstance(observation_space, gymnasium.spaces.Dict), observation_space
    actions: ActionCodec = codec(action_space)
    world = build_world(config, parts, shapes_of(observation_space), actions.size)
    dynamics = world.dynamics
    form = Actions(actions.size, actions.groups)
    behaviour = parts.chosen("behaviour")(config.behaviour, dynamics.deter_size, dynamics.stoch_size, form)
    objective = parts.chosen("objective")(config.objective, world)
    return Agent(world, objective, behaviour, actions, parts.chosen("planner")(config.planner, form))


def build_replay(config: Config, observation_space: gymnasium.spaces.Space, actions: ActionCodec) -> Replay:
    """An empty replay for a run's environments, each of that space.

    Raises:
        UserError: if its cap cannot hold a few chunks of each environment.
    """
    train = config.train
    return Replay(
        columns_of(observation_space, actions),
        actions,
        streams=config.env.num_envs,
        capacity=int(train.replay_mib * 2**20),
        length=train.records,
        draws=draws(train.balance),
    )
