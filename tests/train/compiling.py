"""Compares an update and a plan of compiled agents with those of the same agents as they are written."""

import numpy as np
import torch
from tiny import built, random_batch, tiny

from reverie.agents.presets import PRESETS
from reverie.train.bench import joint_stage
from reverie.train.compiled import compile_hot
from reverie.train.learner import Learner

found = []
for compiled in (False, True):
    torch.manual_seed(0)
    resolved = tiny("dreamerv3")
    agent, program = built(resolved), PRESETS["dreamerv3"].program(resolved.config)
    learner = Learner(agent, program, torch.Generator().manual_seed(0), "float32")
    if compiled:
        compile_hot(agent, backend="aot_eager")
    learner.update(joint_stage(program), random_batch(agent))
    found.append(agent.state_dict())
assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 3, "nothing was compiled"
plain, same = found
assert plain.keys() == same.keys()
for name, weight in plain.items():
    torch.testing.assert_close(same[name], weight, msg=lambda text, name=name: f"{name}: {text}")

plans = []
for compiled in (False, True):
    torch.manual_seed(0)
    agent = built(tiny("tdmpc2"))
    torch._dynamo.utils.counters.clear()
    if compiled:
        compile_hot(agent, backend="aot_eager")
    carry, seen = agent.initial(1), {"state": np.ones((1, 2), np.float32)}
    _, carry = agent.act(seen, np.zeros(1), np.ones(1), carry)
    plans.append(carry.memory)
assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0, "no plan was compiled"
torch.testing.assert_close(*plans)
