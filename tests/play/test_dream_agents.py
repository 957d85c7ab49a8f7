"""Other people's agents learn in a dream."""

import re
from pathlib import Path

import gymnasium
import pytest
import torch

import reverie

PAGE = Path(__file__).parents[2] / "docs" / "dream-env.md"


def test_ppo_trains_in_a_dream(pendulum):
    sb3 = pytest.importorskip("stable_baselines3")
    env = reverie.DreamEnv(pendulum, observe="decoded", start="any", horizon=50)
    network = {"net_arch": [16]}
    agent = sb3.PPO("MlpPolicy", env, n_steps=256, batch_size=64, policy_kwargs=network, seed=0, device="cpu")
    before = {name: x.clone() for name, x in agent.policy.state_dict().items()}
    agent.learn(2_000)
    assert agent.num_timesteps == 2_048
    assert all(torch.isfinite(x).all() for x in agent.policy.state_dict().values())
    assert any(not torch.equal(before[name], x) for name, x in agent.policy.state_dict().items())
    # The same observations as the real environment's: what was learned acts there as it is.
    real = gymnasium.make("Pendulum-v1")
    action, _ = agent.predict(real.reset(seed=0)[0], deterministic=True)
    assert action in real.action_space


def test_the_example_of_the_page(pendulum, capsys):
    pytest.importorskip("stable_baselines3")
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(example.splitlines()) < 30
    for long, short in {"runs/pendulum": str(pendulum), "60_000": "64", "1024": "64", "=10)": "=1)"}.items():
        assert example.count(long) == 1
        example = example.replace(long, short)
    exec(compile(example, str(PAGE), "exec"), {})
    assert re.match(r"in the real environment: -\d+\.\d \+- 0\.0\n", capsys.readouterr().out)
