"""The examples run, one after the other, as a reader would run them."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from reverie.agents.parts import PARTS

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
    assert "dreamed state (2, 15, 3)" in printed
    rewards = [float(x) for x in printed.split("[")[1].split("]")[0].split(",")]
    assert len(rewards) == 15 and all(-30 < reward < 10 for reward in rewards)


@pytest.mark.parametrize("part", ["environment", "backbone", "latent", "behaviour"])
def test_a_part_of_ones_own(part, tmp_path):
    words = [sys.executable, str(EXAMPLES / f"own_{part}.py"), "160"]  # a process of its own: nothing is left in PARTS
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / f"runs/own-{part}/pictures/dream.png").exists()
    assert "160 frames" in done.stdout


def test_the_own_latents_mismatch_is_the_divergence_of_its_samples(monkeypatch):
    for kind, known in PARTS.items():
        monkeypatch.setitem(PARTS, kind, dict(known))
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
