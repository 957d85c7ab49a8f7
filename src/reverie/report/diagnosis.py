"""What is wrong with a run, in words: each rule says what it looked at, the figure that it found, and what may help.

A rule sees the log, the configuration and, where the agent could be loaded, what was measured of it. It says nothing
where it lacks what it looks at.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from reverie.agents.resolve import Resolved
from reverie.behaviour.policy import uniform_entropy
from reverie.errors import Finding
from reverie.report.measured import Measured

LAST = 3
"""Evaluations that count as the end of a run."""
LATE = 1 / 3
"""The share of a log that counts as its end."""
COLLAPSED = 0.06
"""The share of a uniform policy's entropy below which one-hot actions are as good as certain; a policy that is mixed
with 1 % of the uniform one has 0.03 to 0.05 at least."""
SELDOM = 1 / 4
"""The share of the updates in turn below which a live run learns too seldom."""
NARROW = -5.0
"""Nats for each number of an action below which a continuous policy hardly varies: a deviation of about 0.002."""


@dataclass(frozen=True)
class Facts:
    """What is known of a run."""

    log: list[dict[str, Any]]
    resolved: Resolved
    measured: Measured | None = None

    def values(self, name: str) -> np.ndarray:
        """All finite values of a metric, in order."""
        found = np.array([line[name] for line in self.log if name in line], dtype=float)
        return found[np.isfinite(found)]

    def late(self, name: str) -> np.ndarray:
        """Those of the last third."""
        found = self.values(name)
        return found[-max(1, round(LATE * len(found))) :] if len(found) else found

    @property
    def live(self) -> bool:
        """Whether it acted while it learned."""
        return any(stage.live for stage in self.resolved.program())

    @property
    def end(self) -> float:
        """The mean of the last three evaluations; nan where there is none."""
        found = self.values("eval/return")[-LAST:]
        return float(found.mean()) if len(found) else float("nan")


Rule = Callable[[Facts], Finding | None]


def kl_at_its_floor(facts: Facts) -> Finding | None:
    """The mismatch is below the free nats, hence no loss at all."""
    floor, kl = getattr(facts.resolved.config.objective, "free_nats", 0.0), facts.late("kl")
    if not len(kl) or not floor or np.median(kl) > floor:
        return None
    message = f"the mismatch of posterior and prior is {np.median(kl):.3g} nats, below the {floor:g} free ones"
    return Finding(
        "note", "kl-at-its-floor", message, "the prior learns no more; lower --objective.free-nats if dreams are wrong"
    )


def latents_unused(facts: Facts) -> Finding | None:
    """The latents tell nothing that was not foreseen."""
    kl, decodes = facts.late("kl"), facts.resolved.parts.chosen("objective").reconstructs
    if not decodes or not len(kl) or np.median(kl) >= 0.1:  # without a decoder it is a distance, and small is good
        return None
    message = f"the mismatch of posterior and prior is {np.median(kl):.2g} nats, so that latents tell nothing new"
    return Finding(
        "violation",
        "latents-unused",
        message,
        "raise the weight of what is observed (--objective.vector, .image) or lower --objective.representation",
    )


def entropy_collapsed(facts: Facts) -> Finding | None:
    """The policy was certain before half of the run was over."""
    entropy = facts.values("entropy")
    early = entropy[: -(-len(entropy) // 2)]
    if not len(early) or facts.measured is None:
        return None
    actions, middle = facts.measured.actions, float(np.median(early))
    floor = COLLAPSED * uniform_entropy(actions) if actions.groups else NARROW * actions.size
    if middle >= floor:
        return None
    message = f"the policy's entropy was {middle:.2g} nats in the middle of the run's first half, below {floor:.2g}"
    return Finding(
        "violation", "entropy-collapsed", message, "it explores no more; raise --behaviour.entropy or lower its rates"
    )


def value_far_from_return(facts: Facts) -> Finding | None:
    """The critic is not what is returned in dreams."""
    value, returned, scale = (facts.late(name) for name in ("value/mean", "return/dreamed", "return/scale"))
    if not len(value) or len(value) != len(returned):
        return None
    gap = float(np.median(np.abs(value - returned)))
    size = max(float(np.median(np.abs(returned))), float(np.median(scale)) if len(scale) else 0.0)
    if gap <= 0.25 * size:
        return None
    message = f"the critic's mean is {gap:.3g} from the dreamed return's, {gap / size:.0%} of its size"
    return Finding(
        "violation",
        "value-far-from-return",
        message,
        "raise --behaviour.critic-optimiser.lr, or learn for longer, before its gradient is trusted",
    )


def dream_flatters(facts: Facts) -> Finding | None:
    """The same policy is promised far more than it gets."""
    gap, size = _promise(facts)
    if not gap > 0.25 * size:
        return None
    message = f"its episodes were dreamed {gap:.3g} above what they returned, {gap / size:.0%} of the return's size"
    return Finding(
        "violation",
        "dream-flatters",
        message,
        "the policy exploits the world's errors: more updates of the world, shorter dreams or more data",
    )


def dream_despairs(facts: Facts) -> Finding | None:
    """The same policy is promised far less than it gets."""
    gap, size = _promise(facts)
    if not -gap > 0.25 * size:
        return None
    message = f"its episodes were dreamed {-gap:.3g} below what they returned, {-gap / size:.0%} of the return's size"
    return Finding(
        "note", "dream-despairs", message, "the world does not see how rewards go on: see its errors and its rewards"
    )


def _promise(facts: Facts) -> tuple[float, float]:
    """Dreamed minus real return, and the size to judge it by: nan where there is none.

    What is measured is drawn, as the dreams are that a behaviour learns from; the log's last evaluations are dreamed
    along modes, which for categorical latents need not be what is dreamed on the whole.
    """
    real, dreamed = facts.values("eval/return"), facts.values("eval/dreamed")
    if not len(real) or len(real) != len(dreamed):
        return float("nan"), float("nan")
    size = max(abs(facts.end), float(np.ptp(real)), 1e-8)
    if facts.measured is None or not len(facts.measured.promised):
        return float((dreamed - real)[-LAST:].mean()), size
    got = np.mean([episode.total for episode in facts.measured.played])
    return float(facts.measured.promised.mean() - got), size


def no_better_than_chance(facts: Facts) -> Finding | None:
    """Random actions do as well."""
    if facts.measured is None or np.isnan(facts.end):
        return None
    chance = [episode.total for episode in facts.measured.random]
    if facts.end > max(chance):
        return None
    message = f"the last evaluations' mean is {facts.end:.4g}, and an episode of random actions had {max(chance):.4g}"
    return Finding("violation", "no-better-than-chance", message, "learn for longer, or see what else is said here")


def fell_from_its_best(facts: Facts) -> Finding | None:
    """What was learned is lost again."""
    real = facts.values("eval/return")
    gained, lost = (real.max() - real[0], real.max() - facts.end) if len(real) > LAST else (0.0, 0.0)
    if not gained or lost <= 0.4 * gained:
        return None
    message = (
        f"the best evaluation had {real.max():.4g}, the last ones {facts.end:.4g}: {lost / gained:.0%} of it is lost"
    )
    return Finding("note", "fell-from-its-best", message, "lower the rates of the behaviour, or see other seeds")


def learns_too_seldom(facts: Facts) -> Finding | None:
    """While it acted live, far fewer updates were made than the same steps would have brought in turn."""
    if not facts.live or not facts.log:
        return None
    last, train, env = facts.log[-1], facts.resolved.config.train, facts.resolved.config.env
    steps, updates = (last["frames"] - train.prefill) / env.action_repeat, last["updates"] - train.pretrain
    in_turn = steps / train.train_every
    if updates < 0 or not updates < SELDOM * in_turn:
        return None
    message = f"{updates:,} updates were made in {steps:,.0f} live steps, and in turn {in_turn:,.0f} would have been"
    cure = f"{'lower' if env.rate else 'give it a'} --rate, or lower --batch or --length"
    return Finding("note", "learns-too-seldom", message, cure)


def environment_slower(facts: Facts) -> Finding | None:
    """Most of the time goes into the environment, and learning waits for it."""
    if facts.measured is None or facts.live or not facts.log:
        return None
    last, env = facts.log[-1], facts.resolved.config.env
    spent = facts.measured.step_seconds * last["frames"] / env.action_repeat
    share = spent / max(last["train_seconds"], 1e-8)
    if share <= 0.5:
        return None
    message = f"steps of the environment take about {min(share, 1.0):.0%} of training"
    return Finding("note", "environment-slower", message, "add --num-envs and --vector async, or update more often")


def gradient_clipped(facts: Facts) -> Finding | None:
    """The clip, not the loss, says how far the weights go."""
    groups = {group.name: group.optimiser for stage in facts.resolved.program() for group in stage.groups}
    for name, optimiser in groups.items():
        norms = facts.late(f"grad/{name}")
        if optimiser.clip and len(norms) and np.median(norms) > optimiser.clip:
            message = (
                f"the gradient of '{name}' is {np.median(norms):.3g} long in the middle, and cut to {optimiser.clip:g}"
            )
            cure = f"lower the lr of the optimiser of '{name}', or raise its clip"
            return Finding("note", "gradient-clipped", message, cure)
    return None


def reward_not_foretold(facts: Facts) -> Finding | None:
    """The reward head does not know the rewards of states that were seen."""
    if facts.measured is None or not facts.measured.reward.explained < 0.5:
        return None
    message = f"{max(facts.measured.reward.explained, 0.0):.0%} of the variance of real rewards is foretold"
    return Finding(
        "violation", "reward-not-foretold", message, "raise --objective.reward; the state may not show what is paid for"
    )


def dream_no_better_than_a_guess(facts: Facts) -> Finding | None:
    """At the end of the behaviour's horizon the dream is off by more than a constant would be."""
    horizon = getattr(facts.resolved.config.behaviour, "horizon", 0)
    errors = {} if facts.measured is None else facts.measured.errors
    shares: dict[str, float] = {}
    for key, of_key in errors.items():
        step = min(horizon, len(of_key["dream"])) - 1
        guess = min(of_key["repeat"][step], of_key["mean"][step])
        if step >= 0 and guess > 0:
            shares[key] = float(of_key["dream"][step] / guess)
    worst = max(shares, key=lambda key: shares[key], default="")
    if not worst or shares[worst] < 1:
        return None
    step = min(horizon, len(errors[worst]["dream"]))
    message = f"after {step} dreamed steps the error of '{worst}' is {shares[worst]:.2f} of the better guess's"
    return Finding(
        "violation",
        "dream-no-better-than-a-guess",
        message,
        "learn for longer, raise what is observed among the losses, or shorten --behaviour.horizon",
    )


RULES: tuple[Rule, ...] = (
    no_better_than_chance,
    fell_from_its_best,
    dream_flatters,
    dream_despairs,
    reward_not_foretold,
    dream_no_better_than_a_guess,
    latents_unused,
    kl_at_its_floor,
    value_far_from_return,
    entropy_collapsed,
    gradient_clipped,
    learns_too_seldom,
    environment_slower,
)


def diagnose(facts: Facts) -> Iterator[Finding]:
    """What each rule found, the gravest kind first."""
    found = [finding for rule in RULES if (finding := rule(facts)) is not None]
    yield from sorted(found, key=lambda finding: finding.level != "violation")
