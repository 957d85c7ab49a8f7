"""Dream from any state: see a few real steps, then imagine what the agent would do next, and what it would bring.

python examples/dream.py RUN
"""

import sys

import torch

import reverie
from reverie.envs.make import make_vector
from reverie.report.evaluate import Evaluator
from reverie.report.open_loop import as_batch

if __name__ == "__main__":
    agent, resolved = reverie.load(sys.argv[1])
    evaluator = Evaluator(make_vector([resolved.config.env.make] * 2), seed=3)
    episodes = evaluator(agent)
    evaluator.close()

    world, policy = agent.world, agent.behaviour.actor.mode
    with torch.inference_mode():
        seen = as_batch(agent, episodes, start=0, length=10)
        trace = world.observe(seen, world.initial(rows=2))
        generator = torch.Generator(agent.device).manual_seed(0)
        dream = reverie.imagine(world, policy, trace.last(), 15, pathwise=False, generator=generator)
    rewards = dream.reward * world.preprocess.reward_unit
    print("dreamed rewards", rewards[0].tolist())
    for key, value in world.decode(dream.arrived).items():
        print(f"dreamed {key}", tuple(value.shape))
