"""The examples run, one after the other, as a reader would run them."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")


def test_train_then_act_then_dream(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run("train.py", monkeypatch, "160")
    assert (tmp_path / "runs/example/pictures/dream.png").exists()
    run("act.py", monkeypatch, "runs/example")
    returned = float(capsys.readouterr().out.strip().splitlines()[-1].removeprefix("return "))
    assert -2200 < returned < 0  # whatever is done in Pendulum, 200 steps cost up to 16.3 each
    run("dream.py", monkeypatch, "runs/example")
    printed = capsys.readouterr().out
    assert "dreamed state (1, 15, 3)" in printed
    rewards = [float(x) for x in printed.split("[")[1].split("]")[0].split(",")]
    assert len(rewards) == 15 and all(-30 < reward < 10 for reward in rewards)


@pytest.mark.parametrize("part", ["environment", "backbone", "latent", "behaviour", "preset"])
def test_a_part_of_ones_own(part, tmp_path):
    words = [sys.executable, str(EXAMPLES / f"own_{part}.py"), "160"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / f"runs/own-{part}/pictures/dream.png").exists()
    assert "160 frames" in done.stdout


def test_the_command_line_takes_them_and_finds_them_again(tmp_path):
    parts = "--backbone py:own_backbone:Leaky --latent py:own_latent:Laplace --behaviour py:own_behaviour:Shooting"
    small = "--steps 120 --prefill 60 --pretrain 2 --eval-every 120 --eval-episodes 2 --no-pictures --batch 2"
    half = "--length 8 --precision bfloat16 --device cpu --threads 1"
    run = str(tmp_path / "run")
    words = f"train dreamer --env gym:Pendulum-v1 {parts} {small} {half} --backbone.units 8 --run".split()
    for command in ([*words, run], ["eval", run, "--episodes", "1"], ["resume", run]):
        line = [sys.executable, "-m", "reverie", *command]
        done = subprocess.run(line, cwd=EXAMPLES, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_own_backbone_keeps_the_laws(tmp_path):
    words = "-m pytest tests/laws/test_backbones.py tests/laws/test_dynamics.py -q -p no:cacheprovider -k Leaky --own"
    line = [sys.executable, *words.split(), "backbone=py:own_backbone:Leaky"]
    environment = os.environ | {"PYTHONPATH": str(EXAMPLES)}
    done = subprocess.run(line, cwd=EXAMPLES.parent, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout


def test_the_own_latents_mismatch_is_the_divergence_of_its_samples():
    own = runpy.run_path(str(EXAMPLES / "own_latent.py"))
    latent = own["Laplace"](own["LaplaceConfig"](size=2))
    posterior, prior = torch.tensor([[0.3, -1.0, 0.2, 1.0]]), torch.tensor([[0.0, 0.5, 0.9, -0.5]])
    q, p = latent.posterior(posterior), latent.posterior(prior)
    z = q._replace(mean=q.mean.expand(200_000, -1), scale=q.scale.expand(200_000, -1)).sample(
        torch.Generator().manual_seed(0)
    )

    def log_prob(peak):
        return (-(z - peak.mean).abs() / peak.scale - (2 * peak.scale).log()).sum(-1)

    estimate = (log_prob(q) - log_prob(p)).mean()
    torch.testing.assert_close(latent.mismatch(posterior, prior, z)[0], estimate, rtol=0.01, atol=0.01)


def test_own_parts_are_short():
    for path in EXAMPLES.glob("own_*.py"):
        code = [line for line in path.read_text().splitlines() if line.strip()]
        assert len(code) < 60, path.name
