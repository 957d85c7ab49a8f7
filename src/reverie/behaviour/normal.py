"""Policies for continuous actions in [-1, 1]."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reverie.behaviour.policy import ActorConfig, Choice
from reverie.types import Actions

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def _bounded(mean: Tensor, std: Tensor, config: ActorConfig) -> tuple[Tensor, Tensor]:
    return mean, config.min_std + (config.max_std - config.min_std) * torch.sigmoid(std + 2)


def _softplus(mean: Tensor, std: Tensor, config: ActorConfig) -> tuple[Tensor, Tensor]:
    # softplus^-1(5) is 5 to within 0.14 %, so that the first deviation is Dreamer's init_std of 5
    return 5 * torch.tanh(mean / 5), config.min_std + F.softplus(std + 5)


_STDS = {"bounded": _bounded, "softplus": _softplus}


def _log_normal(raw: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """log N(raw; mean, std) of each number."""
    return -0.5 * ((raw - mean) / std).square() - std.log() - HALF_LOG_2PI


def _log_slope(raw: Tensor) -> Tensor:
    """log(1 - tanh(raw)^2) of each number, in its stable form (Haarnoja et al. 2018)."""
    return 2 * (math.log(2) - raw - F.softplus(-2 * raw))


def _noisy(action: Tensor, noise: float, generator: torch.Generator | None) -> Tensor:
    if not noise:
        return action
    return (action + noise * torch.empty_like(action).normal_(generator=generator)).clamp(-1, 1)


class TanhNormal(nn.Module):
    """a = tanh(mean + std * noise), reparameterised (Haarnoja et al. 2018; Dreamer, appendix A)."""

    def __init__(self, config: ActorConfig, actions: Actions) -> None:
        super().__init__()
        self._config = config
        self.size = 2 * actions.size

    def moments(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation before the tanh, "... A" each."""
        mean, std = parameters.chunk(2, -1)
        return _STDS[self._config.std](mean, std, self._config)

    def draw(self, parameters: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """A sampled action and the noise that made it, "... A" each."""
        mean, std = self.moments(parameters)
        noise = torch.empty_like(mean).normal_(generator=generator)
        return torch.tanh(torch.addcmul(mean, std, noise)), noise

    def choose(self, parameters: Tensor, noise: Tensor) -> Choice:
        """The action that this noise makes.

        The entropy, which has no closed form, is estimated by -log pi(a), with its gradient through the noise.
        """
        mean, std = self.moments(parameters)
        raw = torch.addcmul(mean, std, noise)
        squash = _log_slope(raw)  # log pi(a) = log N(raw; mean, std) - log(1 - tanh(raw)^2)
        gaussian = -0.5 * noise.square() - std.log() - 0.5 * math.log(2 * math.pi)
        entropy = -(gaussian - squash).sum(-1)
        held = _log_normal(raw.detach(), mean, std) - squash.detach()
        return Choice(torch.tanh(raw), held.sum(-1), entropy)

    def log_prob(self, parameters: Tensor, noise: Tensor, chosen_by: Tensor) -> Tensor:
        """Of the action's number before the tanh, which is kept by the noise: exact however near to 1 the action is."""
        chosen_mean, chosen_std = self.moments(chosen_by.detach())
        raw = torch.addcmul(chosen_mean, chosen_std, noise)
        return (_log_normal(raw, *self.moments(parameters)) - _log_slope(raw)).sum(-1)

    def explore(self, parameters: Tensor, generator: torch.Generator | None) -> Tensor:
        """A sample, with the configured noise added and clipped to [-1, 1]."""
        return _noisy(self.draw(parameters, generator)[0], self._config.noise, generator)

    def mode(self, parameters: Tensor) -> Tensor:
        """The action of the mean: tanh(mean)."""
        return torch.tanh(self.moments(parameters)[0])

    def age(self) -> None:
        """Nothing is scheduled."""


class BoundedNormal(nn.Module):
    """A normal whose mean is squashed, x = tanh(m) + std * noise; the world sees a = x / max(1, |x|) (DreamerV3).

    The paper's code scales by a divisor without a gradient, so that the gradient at the bounds shrinks and does not
    vanish; the log-probability is that of x. Deviation: there the division is the world's and replay holds x; here it
    is the policy's, since every action of the model lies in [-1, 1].
    """

    def __init__(self, config: ActorConfig, actions: Actions) -> None:
        super().__init__()
        self._config = config
        self.size = 2 * actions.size

    def moments(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of x, "... A" each."""
        mean, std = parameters.chunk(2, -1)
        return torch.tanh(mean), _bounded(mean, std, self._config)[1]

    def draw(self, parameters: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """A sampled action and the noise that made it, "... A" each."""
        mean, std = self.moments(parameters)
        noise = torch.empty_like(mean).normal_(generator=generator)
        return self._clip(torch.addcmul(mean, std, noise)), noise

    def choose(self, parameters: Tensor, noise: Tensor) -> Choice:
        """The action that this noise makes; log-probability and entropy are those of the normal before clipping."""
        mean, std = self.moments(parameters)
        raw = torch.addcmul(mean, std, noise)
        log_prob = _log_normal(raw.detach(), mean, std).sum(-1)
        return Choice(self._clip(raw), log_prob, (std.log() + (0.5 + HALF_LOG_2PI)).sum(-1))

    def log_prob(self, parameters: Tensor, noise: Tensor, chosen_by: Tensor) -> Tensor:
        """Of the normal before clipping."""
        chosen_mean, chosen_std = self.moments(chosen_by.detach())
        raw = torch.addcmul(chosen_mean, chosen_std, noise)
        return _log_normal(raw, *self.moments(parameters)).sum(-1)

    def explore(self, parameters: Tensor, generator: torch.Generator | None) -> Tensor:
        """A sample, with the configured noise added and clipped to [-1, 1]."""
        return _noisy(self.draw(parameters, generator)[0], self._config.noise, generator)

    def mode(self, parameters: Tensor) -> Tensor:
        """The mean."""
        return self.moments(parameters)[0]

    def age(self) -> None:
        """Nothing is scheduled."""

    def _clip(self, raw: Tensor) -> Tensor:
        return raw / raw.detach().abs().clamp_min(1)


class FadingNormal(nn.Module):
    """a = clip(tanh(m) + std * noise), with a deviation that falls by the updates (Yarats et al. 2022: DrQ-v2).

    The deviation is not learned. Learning sees noise of at most 0.3, collecting all of it; the gradient passes the
    bounds as if they were not there. All three are DrQ-v2's.
    """

    CUT = 0.3
    updates: Tensor

    def __init__(self, config: ActorConfig, actions: Actions) -> None:
        super().__init__()
        self._config = config
        self.size = actions.size
        self.register_buffer("updates", torch.zeros(()))

    def moments(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation before clipping, "... A" each."""
        config = self._config
        left = 1 - (self.updates / config.fade).clamp_max(1)
        return torch.tanh(parameters), (config.min_std + (config.max_std - config.min_std) * left).expand_as(parameters)

    def draw(self, parameters: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """A sampled action and the noise that made it, "... A" each."""
        noise = torch.empty_like(parameters).normal_(generator=generator)
        return self.choose(parameters, noise).action, noise

    def choose(self, parameters: Tensor, noise: Tensor) -> Choice:
        """The action that this noise makes, cut; log-probability and entropy are those of the normal uncut."""
        mean, std = self.moments(parameters)
        raw = mean + (std * noise).clamp(-self.CUT, self.CUT)
        action = raw + (raw.clamp(-1, 1) - raw).detach()
        log_prob = _log_normal(raw.detach(), mean, std).sum(-1)
        return Choice(action, log_prob, (std.log() + (0.5 + HALF_LOG_2PI)).sum(-1))

    def log_prob(self, parameters: Tensor, noise: Tensor, chosen_by: Tensor) -> Tensor:
        """Of the number before clipping, by the normal uncut."""
        chosen_mean, chosen_std = self.moments(chosen_by.detach())
        raw = chosen_mean + (chosen_std * noise).clamp(-self.CUT, self.CUT)
        return _log_normal(raw, *self.moments(parameters)).sum(-1)

    def explore(self, parameters: Tensor, generator: torch.Generator | None) -> Tensor:
        """The mean with all of the noise, clipped to [-1, 1]."""
        mean, std = self.moments(parameters)
        noise = torch.empty_like(mean).normal_(generator=generator)
        return _noisy(torch.addcmul(mean, std, noise).clamp(-1, 1), self._config.noise, generator)

    def mode(self, parameters: Tensor) -> Tensor:
        """The mean."""
        return torch.tanh(parameters)

    def age(self) -> None:
        """One update more."""
        self.updates += 1


NORMALS: dict[str, type[TanhNormal] | type[BoundedNormal] | type[FadingNormal]] = {
    "tanh": TanhNormal,
    "bounded": BoundedNormal,
    "fading": FadingNormal,
}
