"""Dream from any moment: take a few real steps, then ask the agent what it expects to do, to see and to be paid next.

python examples/dream.py RUN
"""

import sys

import numpy as np

import reverie

if __name__ == "__main__":
    agent, resolved = reverie.load(sys.argv[1])
    env = resolved.config.env.make()
    observation, _ = env.reset(seed=3)
    carry, reward, first = agent.initial(rows=1), 0.0, 1.0
    for _ in range(10):
        batch = {key: value[None] for key, value in observation.items()}
        action, carry = agent.act(batch, np.array([reward]), np.array([first]), carry)
        observation, reward, *_ = env.step(action[0])
        first = 0.0
    dreamed = agent.dream(carry, steps=15)  # begins with the action that was chosen last
    print("dreamed rewards", dreamed.reward[0].tolist())
    for key, value in dreamed.observation.items():
        print(f"dreamed {key}", value.shape)
