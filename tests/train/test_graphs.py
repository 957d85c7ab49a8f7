"""Updates as CUDA graphs, and what they need: nothing in an update waits for the device."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tiny import built, random_batch, tiny
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from reverie.agents.presets import PRESETS
from reverie.errors import UserError
from reverie.nets.optimiser import Optimiser, OptimiserConfig
from reverie.train.bench import joint_stage
from reverie.train.learner import Learner

JOINT = sorted(set(PRESETS) - {"worldmodels"})
WAITS = "dreamer-reward"
"""torch's gradient of a cumulative product asks whether a factor is zero."""
CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")


def learning(preset: str, device: str, *, graphs: bool) -> tuple[Learner, list]:
    """A learner of that preset, and batches for it."""
    resolved = tiny(preset)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        agent = built(resolved).to(device)
    program = PRESETS[preset].program(resolved.config)
    learner = Learner(agent, program, torch.Generator(device).manual_seed(0), "float32", graphs=graphs)
    batches = [random_batch(agent, seed=seed).to(torch.device(device)) for seed in range(8)]
    return learner, batches


@CUDA
def test_an_update_that_waits_is_refused_as_a_graph():
    learner, batches = learning(WAITS, "cuda", graphs=True)
    stage = joint_stage(PRESETS[WAITS].program(tiny(WAITS).config))
    with pytest.raises(UserError, match=r"waits for the device, .*capturing; leave --graphs out"):
        for batch in batches:
            learner.update(stage, batch)


@CUDA
@pytest.mark.parametrize("preset", sorted(set(JOINT) - {WAITS}))
def test_replayed_updates_are_those_without_graphs(preset):
    found = []
    for graphs in (False, True):
        learner, batches = learning(preset, "cuda", graphs=graphs)
        stage = joint_stage(PRESETS[preset].program(tiny(preset).config))
        metrics = [{k: float(v) for k, v in learner.update(stage, batch).items()} for batch in batches]
        found.append((metrics, {k: v.clone() for k, v in learner.agent.state_dict().items()}))
    (plain, weights), (graphed, same) = found
    for before, after in zip(plain, graphed, strict=True):
        assert after == pytest.approx(before, rel=2e-2, abs=2e-3)
    for name, weight in weights.items():
        torch.testing.assert_close(same[name], weight, rtol=2e-2, atol=2e-3, msg=name)


@CUDA
@pytest.mark.parametrize("preset", JOINT)
def test_a_world_sees_on_cuda_what_it_sees_on_the_cpu(preset):
    seen = []
    for device in ("cpu", "cuda"):
        learner, batches = learning(preset, device, graphs=False)
        world, batch = learner.agent.world, batches[0]
        trace = world.observe(batch, world.initial(len(batch.first)))
        seen.append(world.reward(trace.features).cpu())
    torch.testing.assert_close(*seen, rtol=1e-3, atol=1e-4)


@pytest.mark.skipif(torch.__version__ < "2.13", reason="earlier quantiles ask their fake arguments for values")
@pytest.mark.parametrize("preset", JOINT)
def test_no_update_waits_for_the_device(preset):
    learner, (first, second, *_) = learning(preset, "cpu", graphs=False)
    for optimiser in (*learner.optimisers.values(), *learner.agent.behaviour.optimisers.values()):
        optimiser.make_capturable()
    stage = joint_stage(PRESETS[preset].program(tiny(preset).config))
    learner.update(stage, first)  # makes the moments
    with FakeTensorMode(allow_non_fake_inputs=True):  # whose tensors have no values that Python could read
        learner.update(stage, second)


def test_graphs_on_a_cpu_are_refused():
    with pytest.raises(UserError, match="--graphs needs a CUDA device, not 'cpu'"):
        learning("dreamer", "cpu", graphs=True)


def test_compiled_updates_are_those_without():
    # In a process of its own: checks of shapes cannot be compiled.
    folders = os.pathsep.join(path for path in sys.path if path)
    told = subprocess.run(
        [sys.executable, Path(__file__).parent / "compiling.py"],
        env={**os.environ, "PYTHONPATH": folders},
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr


@pytest.mark.parametrize("algorithm", ["adam", "laprop"])
def test_an_optimiser_that_can_be_recorded_moves_as_any_other(algorithm):
    moved = []
    for capturable in (False, True):
        torch.manual_seed(0)
        layer = torch.nn.Linear(3, 2)
        config = OptimiserConfig(algorithm=algorithm, warmup=4, decay=9, until=9, lr=1e-2, weight_decay=1e-3, agc=0.3)
        optimiser = Optimiser(config, [layer])
        if capturable:
            optimiser.make_capturable()
        for _ in range(7):
            optimiser.step((layer(torch.randn(5, 3)) - 1).square().mean())
        moved.append(layer.weight.detach().clone())
    torch.testing.assert_close(*moved, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("preset", JOINT)
def test_the_operations_of_an_update_can_be_counted(preset):
    learner, (batch, *_) = learning(preset, "cpu", graphs=False)
    with FlopCounterMode(display=False) as counter:
        learner.update(joint_stage(PRESETS[preset].program(tiny(preset).config)), batch)
    assert counter.get_total_flops() > 0
