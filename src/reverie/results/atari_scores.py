"""Human-normalised scores of the 26 Atari games of Atari 100k (Kaiser et al. 2020): 0 plays at random, 1 as a human."""

from typing import NamedTuple

SUITE = "ale:"


class Reference(NamedTuple):
    """What others score in a game, in its own points."""

    random: float
    human: float


SCORES: dict[str, Reference] = {
    "Alien": Reference(227.8, 7127.7),
    "Amidar": Reference(5.8, 1719.5),
    "Assault": Reference(222.4, 742.0),
    "Asterix": Reference(210.0, 8503.3),
    "BankHeist": Reference(14.2, 753.1),
    "BattleZone": Reference(2360.0, 37187.5),
    "Boxing": Reference(0.1, 12.1),
    "Breakout": Reference(1.7, 30.5),
    "ChopperCommand": Reference(811.0, 7387.8),
    "CrazyClimber": Reference(10780.5, 35829.4),
    "DemonAttack": Reference(152.1, 1971.0),
    "Freeway": Reference(0.0, 29.6),
    "Frostbite": Reference(65.2, 4334.7),
    "Gopher": Reference(257.6, 2412.5),
    "Hero": Reference(1027.0, 30826.4),
    "Jamesbond": Reference(29.0, 302.8),
    "Kangaroo": Reference(52.0, 3035.0),
    "Krull": Reference(1598.0, 2665.5),
    "KungFuMaster": Reference(258.5, 22736.3),
    "MsPacman": Reference(307.3, 6951.6),
    "Pong": Reference(-20.7, 14.6),
    "PrivateEye": Reference(24.9, 69571.3),
    "Qbert": Reference(163.9, 13455.0),
    "RoadRunner": Reference(11.5, 7845.0),
    "Seaquest": Reference(68.4, 42054.7),
    "UpNDown": Reference(533.4, 11693.2),
}
"""Both columns are those of Wang et al. 2016 (Dueling Network Architectures for Deep Reinforcement Learning), of games
that begin with up to 30 idle frames. Agents of Atari 100k are compared by them: the published code of SPR (Schwarzer et
al. 2021), IRIS (Micheli et al. 2023) and TWM (Robine et al. 2023) has these values. The human of Mnih et al. 2015 is
another, with 9.3 in Pong. Games are named as the Arcade Learning Environment names them."""


def human_normalised(env: str, score: float) -> float | None:
    """(score - random) / (human - random), without a unit.

    Args:
        env: the environment's name, such as "ale:Pong".
        score: the return of whole games, unclipped.

    Returns:
        None where the environment is none of the 26 games.
    """
    reference = SCORES.get(env.removeprefix(SUITE)) if env.startswith(SUITE) else None
    return None if reference is None else (score - reference.random) / (reference.human - reference.random)
