"""Act in a loop of your own with a trained agent.

python examples/act.py RUN
"""

import sys

import numpy as np

import reverie

if __name__ == "__main__":
    agent, resolved = reverie.load(sys.argv[1])
    env = resolved.config.env.make()
    observation, _ = env.reset(seed=1)
    carry, reward, total, first, over = agent.initial(1), 0.0, 0.0, 1.0, False
    while not over:
        batch = {key: value[None] for key, value in observation.items()}
        action, carry = agent.act(batch, np.array([reward]), np.array([first]), carry)
        observation, reward, terminated, truncated, _ = env.step(action[0])
        total, first, over = total + float(reward), 0.0, terminated or truncated
    print(f"return {total:.1f}")
