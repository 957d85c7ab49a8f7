"""Searches without a gradient: a population is asked for, tried out elsewhere, and told how it did."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from jaxtyping import Float64

from reverie.errors import UserError


@dataclass(frozen=True, kw_only=True)
class SearchConfig:
    """How a population moves through the space of weights."""

    strategy: Literal["cma", "nes"] = "cma"
    """cma: the covariance is adapted (Hansen, by pycma); nes: natural evolution strategies with a fixed deviation"""
    population: int = 64
    """individuals of a generation"""
    sigma: float = 0.5
    """standard deviation of the first generation; of nes, of each"""
    step: float = 1.0
    """nes: how far the mean moves along its gradient, in deviations"""
    antithetic: bool = False
    """each individual has one on the other side of the mean"""
    rank: bool = True
    """returns count by their ranks, as always with cma; nes without: by their distance from the mean"""

    def __post_init__(self) -> None:
        if self.population < 2 or self.population % 2:
            raise UserError(f"behaviour.search.population must be even and at least 2, not {self.population}")
        if self.strategy == "cma" and self.population < 4:
            raise UserError(f"behaviour.search.population must be at least 4 with cma, not {self.population}")
        for name in ("sigma", "step"):
            if not getattr(self, name) > 0:
                raise UserError(f"behaviour.search.{name} must be positive, not {getattr(self, name)}")
        if self.strategy == "cma" and not self.rank:
            raise UserError("behaviour.search.no-rank is for --behaviour.search.strategy nes: cma knows ranks alone")


class Search(Protocol):
    """Maximises returns. What it draws comes from its own generator, so that what it was told makes it again."""

    @property
    def mean(self) -> Float64[np.ndarray, "W"]:
        """The centre of the next generation."""
        ...

    @property
    def sigma(self) -> float:
        """The standard deviation of the next generation, over all directions."""
        ...

    def ask(self) -> Float64[np.ndarray, "P W"]:
        """A generation."""
        ...

    def tell(self, returns: Float64[np.ndarray, "P"]) -> None:
        """What the generation that was asked for has returned."""
        ...


class Draws:
    """Standard normal numbers "P W"; antithetic ones come in pairs that sum to zero."""

    def __init__(self, seed: int, antithetic: bool) -> None:
        self._generator, self._antithetic = np.random.default_rng(seed), antithetic

    def __call__(self, rows: int, size: int) -> Float64[np.ndarray, "P W"]:
        """Rows, an even number of them where they are antithetic."""
        if not self._antithetic:
            return self._generator.standard_normal((rows, size))
        half = self._generator.standard_normal((rows // 2, size))
        return np.concatenate([half, -half])


class CMA:
    """Covariance matrix adaptation (Hansen 2016), from pycma; only ranks of the returns count."""

    def __init__(self, config: SearchConfig, size: int, seed: int) -> None:
        import cma  # when it is needed: it takes a second

        self._asked: list[np.ndarray] = []
        self._strategy: Any = cma.CMAEvolutionStrategy(
            np.zeros(size),
            config.sigma,
            {
                "popsize": config.population,
                "CMA_mirrors": 0,  # pairs are drawn here, where they are asked for, and not because there are few
                "randn": Draws(seed, config.antithetic),
                "seed": np.nan,  # it leaves numpy's own generator alone
                "verbose": -9,
            },
        )

    @property
    def mean(self) -> Float64[np.ndarray, "W"]:
        """The favourite, which no single lucky return has chosen."""
        return np.array(self._strategy.mean, np.float64)

    @property
    def sigma(self) -> float:
        """Of the direction that is the mean of all."""
        return float(self._strategy.sigma * np.sqrt(np.mean(self._strategy.sm.variances)))

    def ask(self) -> Float64[np.ndarray, "P W"]:
        """Draws from N(mean, sigma^2 C)."""
        self._asked = self._strategy.ask()
        return np.array(self._asked, np.float64)

    def tell(self, returns: Float64[np.ndarray, "P"]) -> None:
        """pycma minimises."""
        self._strategy.tell(self._asked, (-returns).tolist())


class NES:
    """Natural evolution strategies: mean += step sigma sum_i u_i eps_i / sum_i |u_i|, u the centred ranks or returns.

    Salimans et al. 2017; the natural gradient of a normal's mean (Wierstra et al. 2014). Deviation: no Adam and no
    weight decay; the sum over ranks is a mean, so that `step` does not depend on the population.
    """

    def __init__(self, config: SearchConfig, size: int, seed: int) -> None:
        self._config = config
        self._draws = Draws(seed, config.antithetic)
        self._noise = np.zeros((config.population, size))
        self.mean = np.zeros(size)
        self.sigma = config.sigma

    def ask(self) -> Float64[np.ndarray, "P W"]:
        """Draws from N(mean, sigma^2)."""
        self._noise = self._draws(*self._noise.shape)
        return self.mean + self.sigma * self._noise

    def tell(self, returns: Float64[np.ndarray, "P"]) -> None:
        """One step along the gradient; where all returns are equal there is none."""
        worth = _ranks(returns) if self._config.rank else returns - returns.mean()
        size = np.abs(worth).sum()
        if size > 0:
            self.mean = self.mean + self._config.step * self.sigma * (worth @ self._noise) / size


def _ranks(returns: Float64[np.ndarray, "P"]) -> Float64[np.ndarray, "P"]:
    """From -1 to 1; equal returns have the mean of their ranks."""
    _, place, number = np.unique(returns, return_inverse=True, return_counts=True)
    middle = np.cumsum(number) - (number + 1) / 2
    return 2 * middle[place] / max(1, len(returns) - 1) - 1


SEARCHES: dict[str, type[CMA] | type[NES]] = {"cma": CMA, "nes": NES}
