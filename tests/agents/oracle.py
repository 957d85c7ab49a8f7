"""DreamerV3's losses once more, from the paper's formulas, on plain numbers: one row, step, bin, class at a time.

Nothing here imports the library. Networks' raw outputs come in as nested lists.
"""

import math

GAMMA, LAMBDA, ENTROPY, UNIMIX, FREE = 0.997, 0.95, 3e-4, 0.01, 1.0
SLOW, RATE = 1.0, 0.01
"""The weight of the slow regulariser; the share by which the average of the return range moves."""


def symlog(x):
    return math.copysign(math.log(1 + abs(x)), x)


def _bins():
    below = [-(math.exp(20 * (127 - i) / 127) - 1) for i in range(127)]
    return [*below, 0.0, *[-b for b in reversed(below)]]


BINS = _bins()


def probabilities(logits):
    top = max(logits)
    weights = [math.exp(x - top) for x in logits]
    whole = math.fsum(weights)
    return [w / whole for w in weights]


def mixed(logits):
    return [(1 - UNIMIX) * p + UNIMIX / len(logits) for p in probabilities(logits)]


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def expected(logits):
    return math.fsum(p * b for p, b in zip(probabilities(logits), BINS, strict=True))


def two_hot(logits, target):
    """Cross-entropy with the weights on the two bins around a target."""
    top = max(logits)
    whole = top + math.log(math.fsum(math.exp(x - top) for x in logits))
    for k in range(len(BINS) - 1):
        if BINS[k] <= target <= BINS[k + 1]:
            share = (target - BINS[k]) / (BINS[k + 1] - BINS[k])
            return -(1 - share) * (logits[k] - whole) - share * (logits[k + 1] - whole)
    raise AssertionError(target)


def mismatch(posterior, prior, classes):
    """The KL of categoricals mixed with the uniform, and its floor of one nat."""
    nats = 0.0
    for start in range(0, len(posterior), classes):
        q, p = mixed(posterior[start : start + classes]), mixed(prior[start : start + classes])
        for c in range(classes):
            nats += q[c] * (math.log(q[c]) - math.log(p[c]))
    return max(FREE, nats)


def binary(logit, target):
    chance = sigmoid(logit)
    return -target * math.log(chance) - (1 - target) * math.log(1 - chance)


def chosen(parameters, noise, groups):
    """log pi(a) and the entropy: categoricals where there are groups, else a normal with a squashed mean."""
    log_prob, entropy = 0.0, 0.0
    if groups:
        start = 0
        for width, number in zip(groups, noise, strict=True):
            p = mixed(parameters[start : start + width])
            log_prob += math.log(p[number])
            entropy -= math.fsum(x * math.log(x) for x in p)
            start += width
        return log_prob, entropy
    half = len(parameters) // 2
    for i in range(half):
        mean, std = math.tanh(parameters[i]), 0.1 + 0.9 * sigmoid(parameters[half + i] + 2)
        x = mean + std * noise[i]
        log_prob += -0.5 * ((x - mean) / std) ** 2 - math.log(std) - 0.5 * math.log(2 * math.pi)
        entropy += 0.5 * math.log(2 * math.pi * math.e) + math.log(std)
    return log_prob, entropy


def percentile(numbers, share):
    ordered = sorted(numbers)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def reconstruction(mean, observation, kind):
    """The published squared error of one step: symlog numbers, or bytes as shares of 255."""
    if kind == "image":
        # both lie around zero here
        return math.fsum((m - (x / 255 - 0.5)) ** 2 for m, x in zip(mean, observation, strict=True))
    return math.fsum((m - symlog(x)) ** 2 for m, x in zip(mean, observation, strict=True))


class Range:
    """The 5 and 95 % percentiles of returns, averaged; here the average starts at the first that are not zero."""

    def __init__(self):
        self.ends = None

    def scale(self, returns):
        now = [percentile(returns, 0.05), percentile(returns, 0.95)]
        old = self.ends if self.ends and any(self.ends) else now
        self.ends = [(1 - RATE) * o + RATE * n for o, n in zip(old, now, strict=True)]
        return max(1.0, self.ends[1] - self.ends[0])


def dreamed(raw, tracker):
    """Policy and value losses "N H" and the first return of each dream."""
    count, horizon = len(raw["going"]), len(raw["dream_reward"][0])
    returns, values, discounts = [], [], []
    for n in range(count):
        value = [expected(x) for x in raw["dream_value"][n]]
        discount = [GAMMA * sigmoid(raw["dream_continue"][n][i]) for i in range(horizon)]
        ahead, row = value[horizon], [0.0] * horizon
        for i in reversed(range(horizon)):
            reward = expected(raw["dream_reward"][n][i])
            ahead = reward + discount[i] * ((1 - LAMBDA) * value[i + 1] + LAMBDA * ahead)
            row[i] = ahead
        returns.append(row)
        values.append(value)
        discounts.append(discount)
    scale = tracker.scale([g for row in returns for g in row])
    policy, critic = [], []
    for n in range(count):
        weight = raw["going"][n]
        policy.append([])
        critic.append([])
        for i in range(horizon):
            log_prob, entropy = chosen(raw["dream_actor"][n][i], raw["dream_noise"][n][i], raw["groups"])
            advantage = (returns[n][i] - values[n][i]) / scale
            policy[n].append(-weight * (log_prob * advantage + ENTROPY * entropy))
            logits, slow = raw["dream_value"][n][i], expected(raw["dream_target"][n][i])
            critic[n].append(weight * (two_hot(logits, returns[n][i]) + SLOW * two_hot(logits, slow)))
            weight *= discounts[n][i]
    return policy, critic, [row[0] for row in returns]


def replayed(raw, boot):
    """The critic's loss on the chunk "B T", bootstrapped with the dreams' returns "B T"."""
    losses = []
    for b, first in enumerate(raw["first"]):
        time = len(first)
        last = [t + 1 == time or first[t + 1] == 1 for t in range(time)]
        row, ahead = [0.0] * time, boot[b][-1]
        for t in reversed(range(time - 1)):
            trust = 0.0 if last[t + 1] else LAMBDA
            live = GAMMA * (1 - raw["terminal"][b][t + 1])
            ahead = raw["reward"][b][t + 1] + live * ((1 - trust) * boot[b][t + 1] + trust * ahead)
            if not last[t]:
                logits, slow = raw["value"][b][t], expected(raw["target"][b][t])
                row[t] = two_hot(logits, ahead) + SLOW * two_hot(logits, slow)
        losses.append(row)
    return losses


def losses(raw, tracker):
    """Every loss by its name, unreduced, with its published weight."""
    rows, time = len(raw["first"]), len(raw["first"][0])

    def each(function):
        return [[function(b, t) for t in range(time)] for b in range(rows)]

    def kl(b, t):
        return mismatch(raw["posterior"][b][t], raw["prior"][b][t], raw["classes"])

    policy, value, starts = dreamed(raw, tracker)
    boot = [starts[b * time : (b + 1) * time] for b in range(rows)]
    named = {
        f"observation/{key}": (
            each(
                lambda b, t, key=key: reconstruction(raw["mean"][key][b][t], raw["seen"][key][b][t], raw["kind"][key])
            ),
            1.0,
        )
        for key in raw["mean"]
    }
    return named | {
        "reward": (each(lambda b, t: two_hot(raw["reward_logits"][b][t], raw["reward"][b][t])), 1.0),
        "continue": (each(lambda b, t: binary(raw["continue_logits"][b][t], 1 - raw["terminal"][b][t])), 1.0),
        "dynamics": (each(kl), 1.0),
        "representation": (each(kl), 0.1),
        "behaviour/policy": (policy, 1.0),
        "behaviour/value": (value, 1.0),
        "behaviour/replay": (replayed(raw, boot), 0.3),
    }


class Step:
    """LaProp, adaptive clipping and warm-up for one number of a tensor of weights."""

    def __init__(self, lr, warmup, beta1=0.9, beta2=0.99, eps=1e-20, share=0.3):
        self.lr, self.warmup, self.beta1, self.beta2, self.eps, self.share = lr, warmup, beta1, beta2, eps, share
        self.square, self.momentum, self.count = 0.0, 0.0, 0

    def __call__(self, weights, gradients, index):
        """Where the number goes, from all the tensor's numbers and gradients; and whether they were clipped."""
        self.count += 1
        length = math.sqrt(math.fsum(g * g for g in gradients))
        longest = self.share * max(1e-3, math.sqrt(math.fsum(w * w for w in weights)))
        g = gradients[index] * min(1.0, longest / length)
        self.square = self.beta2 * self.square + (1 - self.beta2) * g * g
        size = math.sqrt(self.square / (1 - self.beta2**self.count))
        self.momentum = self.beta1 * self.momentum + (1 - self.beta1) * g / (size + self.eps)
        rate = self.lr * min(1.0, self.count / self.warmup)
        return weights[index] - rate * self.momentum / (1 - self.beta1**self.count), length > longest
