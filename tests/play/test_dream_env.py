"""A learned world as an environment: what it promises, and what other people's agents make of it."""

import warnings

import gymnasium
import numpy as np
import pytest
import torch
from dreaming import made, played
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

import reverie
from reverie.agents.presets import PRESETS


def told(env):
    """What Gymnasium's checker warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(env)
    return {str(warning.message) for warning in caught}


def same(one, other):
    """Whether nested tuples, dicts and arrays are equal to the bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    return np.array_equal(one, other)


@pytest.mark.parametrize("observe", ["features", "decoded"])
@pytest.mark.parametrize("start", ["first", "any"])
@pytest.mark.parametrize(("world", "task"), [("pendulum", "Pendulum-v1"), ("cartpole", "CartPole-v1"), ("senses", "")])
def test_the_checker_passes_and_warns_of_the_real_spaces_alone(world, task, observe, start, request):
    env = reverie.DreamEnv(request.getfixturevalue(world), observe=observe, start=start)
    # Bounds of the real environment's own that the checker would rather have otherwise.
    real = told(gymnasium.make(task).unwrapped) if task else {w for w in told(env) if "Box" in w and "space" in w}
    assert told(env) <= real
    if observe == "features" and isinstance(env.action_space, spaces.Discrete):
        assert not told(env)


@pytest.mark.parametrize("observe", ["features", "decoded"])
@pytest.mark.parametrize("world", ["pendulum", "cartpole", "senses"])
def test_the_same_seed_and_actions_repeat_the_same_dreams(world, observe, request):
    options = {"observe": observe, "start": "any", "horizon": 7}
    one, other = (reverie.DreamEnv(request.getfixturevalue(world), **options) for _ in range(2))
    first = played(one, 1)
    assert same(first, played(other, 1))
    assert same(first, played(one, 1))  # whatever was dreamed in between
    assert not same(first, played(one, 2))


@pytest.mark.parametrize("world", ["pendulum", "cartpole"])
def test_a_step_is_a_step_of_the_world(world, request):
    env = reverie.DreamEnv(request.getfixturevalue(world), temperature=2.0)
    seen, _ = env.reset(seed=4)
    state, generator = env.dreams.state, torch.Generator()
    assert np.array_equal(seen, state.features.read("hz")[0].numpy())
    generator.set_state(env.dreams.generator.get_state())
    env.action_space.seed(0)
    action = env.action_space.sample()
    seen, reward, terminated, truncated, _ = env.step(action)
    with torch.inference_mode():
        taken = torch.from_numpy(env.dreams.agent.codec.encode(np.asarray(action)[None]))
        state = env.dreams.world.imagine(taken, state, generator, 2.0)
        expected = env.dreams.world.reward(state.features) * env.dreams.world.preprocess.reward_unit
        ends = torch.empty(1).uniform_(generator=generator) >= env.dreams.world.continue_(state.features)
    assert reward == float(expected)
    assert np.array_equal(seen, state.features.read("hz")[0].numpy())
    assert (terminated, truncated) == (bool(ends), False)


def test_the_temperature_scales_a_gaussians_variance(pendulum):
    def latents(temperature):
        env = reverie.DreamVectorEnv(pendulum, 20, temperature=temperature)
        env.reset(seed=0)
        env.step(np.zeros((20, 1), np.float32))
        return env.dreams.state.stoch

    mean, once, twice = latents(1e-12), latents(1.0), latents(4.0)
    assert torch.allclose(twice - mean, 2 * (once - mean), atol=1e-4)
    assert (once - mean).std() > 0.1


def test_the_temperature_spreads_categoricals(cartpole):
    def most_common(temperature):
        env = reverie.DreamVectorEnv(cartpole, 400, temperature=temperature)
        env.reset(seed=0)
        env.step(np.zeros(400, np.int64))
        return float(env.dreams.state.stoch.mean(0).reshape(2, 3).max(-1).values.mean())

    shares = [most_common(temperature) for temperature in (0.02, 1.0, 1000.0)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 0.7 and abs(shares[2] - 1 / 3) < 0.08


def test_dreams_end_with_their_learned_chance(cartpole):
    env = reverie.DreamVectorEnv(cartpole, 500, start="any")
    env.reset(seed=0)
    ends, chances = [], []
    for _ in range(10):
        ends.append(env.dreams.step(np.zeros(500, np.int64)).terminated)
        with torch.inference_mode():
            chances.append(1 - env.dreams.world.continue_(env.dreams.state.features).numpy())
    ends, chances = np.concatenate(ends), np.concatenate(chances)
    assert 0.05 < chances.mean() < 0.95
    assert abs(ends.mean() - chances.mean()) < 4 * np.sqrt((chances * (1 - chances)).mean() / ends.size)


def test_dreams_are_cut_at_the_horizon(pendulum, monkeypatch):
    env = reverie.DreamEnv(pendulum, horizon=3)
    monkeypatch.setattr(env.dreams.world.continue_, "forward", lambda features: torch.ones(1))
    for _ in range(2):
        env.reset(seed=0)
        assert [env.step(env.action_space.sample())[3] for _ in range(3)] == [False, False, True]
        with pytest.raises(ResetNeeded):
            env.step(env.action_space.sample())


def test_rewards_are_in_the_environments_units(pendulum):
    """The world's unit is the root mean square of its first rewards, some 7 in Pendulum."""
    env = reverie.DreamEnv(pendulum)
    env.reset(seed=0)
    _, reward, *_ = env.step(env.action_space.sample())
    unit = float(env.dreams.world.preprocess.reward_unit)
    assert unit > 2
    with torch.inference_mode():
        assert reward == pytest.approx(unit * float(env.dreams.world.reward(env.dreams.state.features)), rel=1e-6)


@pytest.mark.parametrize("start", ["first", "any"])
def test_dreams_begin_at_recorded_moments_with_their_true_context(cartpole, start, monkeypatch):
    env = reverie.DreamVectorEnv(cartpole, 300, start=start)
    world, batches = env.dreams.world, []
    observe = world.observe
    monkeypatch.setattr(world, "observe", lambda batch, *rest: batches.append(batch) or observe(batch, *rest))
    env.reset(seed=0)
    (batch,) = batches
    first, terminal = batch.first.bool(), batch.terminal.bool()
    assert batch.action.shape[1] == (1 if start == "first" else 5)  # chunks of training have 5 records
    assert not terminal[:, -1].any()
    assert first[:, -1].all() == (start == "first")
    held = {row.tobytes() for row in _recorded(env)}
    assert all(row.numpy().tobytes() in held for row in batch.observation["state"][:, -1])
    if start == "any":
        assert len({row.numpy().tobytes() for row in batch.observation["state"][:, -1]}) > 80  # of 120
        # An episode that ends inside a chunk is followed by the beginning of the next, or was cut by a resume.
        assert (first[:, 1:] >= terminal[:, :-1]).all()


def _recorded(env):
    return np.concatenate(env.dreams._starts._replay.whole("observation/state"))


def test_a_batch_begins_anew_one_step_after_an_end(cartpole):
    env = reverie.DreamVectorEnv(cartpole, 6, horizon=4, start="any")
    assert env.metadata["autoreset_mode"] is gymnasium.vector.AutoresetMode.NEXT_STEP
    env.action_space.seed(0)
    seen, _ = env.reset(seed=0)
    over, ages, restarts = np.zeros(6, bool), np.zeros(6, int), 0
    for _ in range(40):
        assert seen in env.observation_space
        before = env.dreams.state.features.read("hz").numpy().copy()
        seen, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        ages = np.where(over, 0, ages + 1)
        restarts += int(over.sum())
        assert not (reward[over] != 0).any() and not (terminated | truncated)[over].any()
        assert (truncated == (ages >= 4)).all()
        assert (np.abs(seen - before).max(1) > 0).all()
        over = terminated | truncated
    assert restarts > 20


def test_a_batch_repeats_itself(cartpole):
    def brought():
        env = reverie.DreamVectorEnv(cartpole, 4, horizon=5, observe="decoded")
        env.action_space.seed(0)
        return [env.reset(seed=1)[0], *[env.step(env.action_space.sample())[:4] for _ in range(20)]]

    assert same(brought(), brought())


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_dreamed_of(preset, tmp_path):
    path = made(tmp_path / "run", preset)
    decodes = PRESETS[preset].parts.chosen("objective").reconstructs
    for start in ("first", "any"):
        env = reverie.DreamVectorEnv(path, 3, horizon=4, observe="decoded" if decodes else "features", start=start)
        assert not decodes or env.single_observation_space == spaces.Box(-np.inf, np.inf, (2,), np.float32)
        env.action_space.seed(0)
        env.reset(seed=0)
        # Far enough for rows that were put anew beside older ones, whatever the memory.
        for _ in range(9):
            seen, reward, *_ = env.step(env.action_space.sample())
            assert seen in env.observation_space and np.isfinite(reward).all()
    assert len(played(reverie.DreamEnv(path), 0, 5)) >= 6


@pytest.mark.parametrize("preset", ["dreamer", "tssm", "s4wm", "twm", "awm"])
def test_a_row_begun_anew_dreams_as_if_it_were_alone(preset, tmp_path, monkeypatch):
    """Rows are put into the midst of a batch: their memory goes with them, and the others' stays."""
    path = made(tmp_path / "run", preset)
    env = reverie.DreamVectorEnv(path, 3, start="any")
    env.reset(seed=0)
    step = np.ones((3, 1), np.float32)
    for _ in range(3):
        env.dreams.step(step)
    old, rng = env.dreams.state, np.random.default_rng(0)
    fresh = []
    draw = env.dreams._starts.draw
    monkeypatch.setattr(env.dreams._starts, "draw", lambda *given: fresh.append(draw(*given)) or fresh[-1])
    env.dreams.restart(np.array([1]), rng)
    world, taken = env.dreams.world, torch.ones(3, 1)
    with torch.inference_mode():
        mixed, alone, others = env.dreams.state, fresh[0], old
        for _ in range(3):
            mixed = world.imagine(taken, mixed)
            alone, others = world.imagine(taken[:1], alone), world.imagine(taken, others)
    assert torch.allclose(mixed.deter[1], alone.deter[0], atol=1e-5)
    assert torch.allclose(mixed.deter[[0, 2]], others.deter[[0, 2]], atol=1e-5)


def test_images_are_decoded_and_drawn(senses, tmp_path):
    env = reverie.DreamEnv(senses, observe="decoded", render_mode="rgb_array")
    seen, _ = env.reset(seed=0)
    assert {key: (x.shape, x.dtype) for key, x in seen.items()} == {
        "left eye": ((16, 32, 3), np.uint8),
        "right.eye": ((32, 16, 1), np.uint8),
        "place": ((1,), np.float32),
        "clock": ((1,), np.float32),
    }
    assert env.render().shape == (16, 32, 3) and np.array_equal(env.render(), seen["left eye"])
    path = made(tmp_path / "run", env="py:tiny:walk", pixels=True, size=16, frame_stack=2)
    env = reverie.DreamEnv(path, observe="decoded", render_mode="rgb_array")
    assert env.observation_space == spaces.Box(0, 255, (16, 16, 6), np.uint8)
    seen, _ = env.reset(seed=0)
    assert np.array_equal(env.render(), seen[..., 3:])
    assert env.metadata["render_fps"] == 20
