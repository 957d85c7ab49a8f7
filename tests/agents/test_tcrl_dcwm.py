"""The presets tcrl and dcwm have their papers' values, and values that do not shape their worlds."""

import pytest
from tiny import built, learner, random_batch, tiny

from reverie.agents.presets import PRESETS


def paper(preset):
    return PRESETS[preset].config(tiny().config.env, "paper")


def test_tcrl_has_its_papers_values():
    # zhaoyi11/tcrl cfgs/default.yaml and cfgs/task/easy.yaml
    config = paper("tcrl")
    objective, behaviour, train = config.objective, config.behaviour, config.train
    assert (config.latent.size, config.backbone.mlp.units, config.encoder.mlp.activation) == (50, 512, "elu")
    assert (objective.distance, objective.rho, objective.target_rate) == ("cosine", 0.9, 0.005)
    assert (objective.optimiser.lr, objective.optimiser.clip, objective.encoder_rate) == (3e-4, 10.0, 1.0)
    assert (behaviour.members, behaviour.nstep, behaviour.gamma, behaviour.target_rate) == (2, 3, 0.99, 0.005)
    assert behaviour.actor_optimiser.lr == behaviour.critic_optimiser.lr == 3e-4
    actor = behaviour.actor
    # 1.0 to 0.1 over 50 episodes of 500 agent steps, an update every two
    assert (actor.normal, actor.max_std, actor.min_std, actor.fade) == ("fading", 1.0, 0.1, 50 * 500 // 2)
    assert (train.batch, train.length - 1, train.train_every, train.prefill) == (512, 5, 2, 10 * 1000)


def test_dcwm_has_its_papers_values():
    # aidanscannell/dcmpc dcmpc.py
    config = paper("dcwm")
    objective, behaviour, train = config.objective, config.behaviour, config.train
    assert (config.latent.groups, config.latent.levels, config.encoder.mlp.units) == (512, (5, 3), 256)
    assert (objective.distance, objective.rho, objective.optimiser.lr) == ("mismatch", 0.9, 1e-4)
    assert objective.optimiser.weight_decay == pytest.approx(0.01 * 1e-4)  # AdamW's own, times its rate
    assert (behaviour.members, behaviour.nstep, behaviour.smoothing, behaviour.target_rate) == (5, 1, 0.2, 0.005)
    assert behaviour.actor_optimiser.lr == behaviour.critic_optimiser.lr == 3e-4
    assert (behaviour.actor.max_std, behaviour.actor.min_std, behaviour.actor.fade) == (1.0, 0.1, 50 * 500)
    assert (train.batch, train.length - 1, train.train_every, train.prefill) == (512, 5, 1, 10 * 1000)
    planner = config.planner
    assert (planner.horizon, planner.candidates, planner.elites, planner.proposals) == (3, 512, 64, 24)


@pytest.mark.parametrize("preset", ["tcrl", "dcwm"])
def test_values_are_not_the_worlds_to_learn(preset):
    resolved = tiny(preset)
    agent = built(resolved)
    stage = PRESETS[preset].program(resolved.config)[-1]
    world, critic = stage.groups
    assert (world.name, critic.name) == ("world", "critic")
    assert not world.takes("behaviour/value") and critic.takes("behaviour/value")
    metrics = learner(resolved, agent).update(stage, random_batch(agent))
    assert metrics["grad/world"] > 0 and metrics["grad/critic"] > 0


def test_dcwms_mismatch_weighs_as_a_mean_over_codes_at_every_scale():
    for scale in PRESETS["dcwm"].scales:
        config = PRESETS["dcwm"].config(tiny().config.env, scale)
        assert config.objective.consistency * config.latent.groups == pytest.approx(1), scale
