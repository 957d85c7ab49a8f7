"""DreamerV3's losses and steps over 20 updates, against a slow oracle that shares no code with the library."""

from dataclasses import replace

import oracle
import pytest
import torch
from tiny import built, learner, tiny

from reverie.agents.presets import PRESETS
from reverie.types import Batch

UPDATES, ROWS, TIME, CLASSES = 20, 2, 5, 4
LR, WARMUP = 1e-2, 8
"""The published ones would hardly move a weight in 20 updates."""


def published_but_small(env):
    """The published recipe, structure and weights of losses; small networks, three dreamed steps, larger steps."""
    resolved = tiny("dreamerv3", env, scale="1m")
    config = resolved.config
    optimiser = replace(config.objective.optimiser, lr=LR, warmup=WARMUP)
    small = {
        "backbone": replace(config.backbone, units=16, hidden=8, blocks=4),
        "latent": replace(config.latent, groups=4, classes=CLASSES),
        "objective": replace(config.objective, optimiser=optimiser),
        "behaviour": replace(config.behaviour, actor_optimiser=optimiser, critic_optimiser=optimiser),
    }
    return replace(resolved, config=replace(config, **small))


def chunk(agent):
    """Rewards and vectors of many sizes; an episode that ends, and one that is cut short."""
    draw = torch.Generator().manual_seed(0)
    first, terminal = torch.zeros(ROWS, TIME), torch.zeros(ROWS, TIME)
    first[0, 0] = first[0, 3] = first[1, 2] = terminal[0, 2] = 1
    seen = {}
    for key, x in agent.world.preprocess._named():
        if type(x).__name__ == "Pixels":
            seen[key] = torch.randint(0, 256, (ROWS, TIME, 16, 16, 3), generator=draw, dtype=torch.uint8)
        else:
            size = 3 if key == "sign" else 2
            seen[key] = 30 * torch.randn(ROWS, TIME, size, generator=draw) ** 3
    action = torch.rand(ROWS, TIME, agent.codec.size, generator=draw) * 2 - 1
    if agent.codec.groups:
        parts = [part.argmax(-1) for part in action.split(agent.codec.groups, -1)]
        widths = agent.codec.groups
        action = torch.cat([torch.eye(width)[n] for n, width in zip(parts, widths, strict=True)], -1)
    return Batch(seen, action, 10 * torch.randn(ROWS, TIME, generator=draw) ** 3, first, terminal)


def prepare(agent, *, wide):
    """Hardly any weight on the outermost bins; where wide, rewards and values that lie far apart, as after learning.

    The outermost bins lie at half a billion. Their weights cancel as long as they are equal to the last bit, which a
    matrix product need not give: an expected value then moves by 0.1, and no two ways of computing it would agree.
    """
    critic = agent.behaviour.critic
    for head in (agent.world.reward, critic.value):
        far = 100 if wide else 1e4
        head.mlp[-1].bias.data = torch.where(head.output.bins.abs() > far, -40.0, 0.0)
        if wide:
            torch.nn.init.normal_(head.mlp[-1].weight)
    critic.target.load_state_dict(critic.value.state_dict())


class Watched:
    """A learner whose networks' raw outputs, losses and gradients are written down at each update."""

    def __init__(self, env, *, wide=False):
        self.resolved = published_but_small(env)
        self.agent = built(self.resolved)
        prepare(self.agent, wide=wide)
        self.learner = learner(self.resolved, self.agent)
        self.behaviour, self.raw, self.losses = self.agent.behaviour, {}, {}
        self._loss, self._dream = self.behaviour.loss, self.behaviour.dream
        self.behaviour.loss, self.behaviour.dream = self.watch, self.dream
        self.agent.objective.register_forward_hook(self.see)

    def see(self, module, arguments, result):
        self.losses = dict(result[1])

    def dream(self, *arguments):
        self.imagined = self._dream(*arguments)
        return self.imagined

    def watch(self, world, experience, generator):
        losses, metrics = self._loss(world, experience, generator)
        self.losses |= losses
        with torch.no_grad():
            self.raw = self.outputs(world, experience, self.imagined)
        return losses, metrics

    def outputs(self, world, experience, imagined):
        """What networks say, without any of the library's meaning."""
        critic, actor, dream, batch, trace = (
            self.behaviour.critic,
            self.behaviour.actor,
            imagined.dream,
            experience.batch,
            experience.trace,
        )
        here, chosen = trace.features.read("hz"), dream.chosen.read("hz")
        arrived, whole = dream.arrived.read("hz"), dream.features.read("hz")
        tensors = {
            "posterior": trace.posterior,
            "prior": trace.prior,
            "reward_logits": world.reward.mlp(here),
            "continue_logits": world.continue_.mlp(here)[..., 0],
            "value": critic.value.mlp(here),
            "target": critic.target.mlp(here),
            "dream_reward": world.reward.mlp(arrived),
            "dream_continue": world.continue_.mlp(arrived)[..., 0],
            "dream_value": critic.value.mlp(whole),
            "dream_target": critic.target.mlp(chosen),
            "dream_actor": actor.mlp(chosen),
            "dream_noise": imagined.noise,
            "going": imagined.going,
            "reward": batch.reward,
            "first": batch.first,
            "terminal": batch.terminal,
        }
        means = world.decoder(trace.features)
        return {name: x.tolist() for name, x in tensors.items()} | {
            "mean": {key: x.flatten(2).tolist() for key, x in means.items()},
            "seen": {key: x.flatten(2).tolist() for key, x in batch.observation.items()},
            "kind": {key: "image" if x.dim() == 5 else "vector" for key, x in batch.observation.items()},
            "groups": actor.actions.groups,
            "classes": CLASSES,
        }

    def update(self):
        stage = PRESETS["dreamerv3"].program(self.resolved.config)[-1]
        return self.learner.update(stage, chunk(self.agent))


@pytest.mark.parametrize("wide", [False, True], ids=["fresh", "wide"])
@pytest.mark.parametrize("env", ["py:tiny:walk", "py:signs:signs"])
def test_every_loss_of_every_update_is_that_of_the_formulas(env, wide):
    watched, tracker, floors = Watched(env, wide=wide), oracle.Range(), set()
    for update in range(UPDATES):
        metrics = watched.update()
        expected, total = oracle.losses(watched.raw, tracker), 0.0
        assert set(expected) == set(watched.losses)
        for name, (values, weight) in expected.items():
            got, right = watched.losses[name], torch.tensor(values, dtype=torch.float64)
            # Squared errors are published whole and weigh one; here they are halves that weigh two.
            times = 2 if name.startswith("observation/") else 1
            assert got.weight == pytest.approx(weight * times)
            size = right.abs().mean().item()
            torch.testing.assert_close(
                got.value.detach().double() * times,
                right,
                rtol=1e-5,
                atol=4e-5 * size + 1e-7,  # differences of numbers around one have no more digits
                msg=lambda text, name=name, update=update: f"{name} at update {update}: {text}",
            )
            total += weight * right.mean().item()
            if name == "dynamics":
                floors |= set((right > 1).flatten().tolist())
        assert metrics["loss/agent"].item() == pytest.approx(total, rel=1e-5)
        assert watched.behaviour.ends.tolist() == pytest.approx(tracker.ends, rel=1e-5, abs=1e-6)
    # Both sides of the floor were seen, and both kinds of the returns' range.
    assert floors == {True, False}
    assert (tracker.ends[1] - tracker.ends[0] > 1) == wide


CHOSEN = [
    "world.encoder.mlp.0.weight",
    "world.dynamics.backbone.gates.weight",
    "world.dynamics.posterior.embed.weight",
    "world.reward.mlp.3.weight",  # begins at zero, where the shortest length counts
    "behaviour.actor.mlp.0.weight",
    "behaviour.critic.value.mlp.3.weight",
]


def test_every_step_of_chosen_weights_is_that_of_the_formulas():
    watched, seen, clipped = Watched("py:tiny:walk"), {}, set()
    weights = dict(watched.agent.named_parameters())
    optimiser = watched.learner.optimisers["agent"]
    descend = optimiser.descend

    def watch():
        seen.update({n: (weights[n].flatten().tolist(), weights[n].grad.flatten().tolist()) for n in CHOSEN})
        return descend()

    optimiser.descend = watch
    # From the middle, where the bins are that matter: squares of gradients below 1e-19 vanish in single precision.
    places = {name: [weights[name].numel() // 2 + more for more in (0, 3, 5)] for name in CHOSEN}
    steps = {(name, index): oracle.Step(LR, WARMUP) for name in CHOSEN for index in places[name]}
    fast, slow = "behaviour.critic.value.mlp.3.weight", "behaviour.critic.target.mlp.3.weight"
    for _ in range(UPDATES):
        target = weights[slow].flatten().tolist()
        watched.update()
        for (name, index), step in steps.items():
            place, long = step(*seen[name], index)
            now = weights[name].flatten()[index].item()
            assert now == pytest.approx(place, rel=5e-7, abs=2e-5 * LR), (name, index)
            clipped.add(long)
        for index in places[fast]:
            followed = 0.98 * target[index] + 0.02 * weights[fast].flatten()[index].item()
            assert weights[slow].flatten()[index].item() == pytest.approx(followed, rel=1e-5, abs=1e-9)
    assert clipped == {True, False}
