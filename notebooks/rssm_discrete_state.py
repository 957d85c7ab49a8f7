# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A recurrent state-space model (RSSM) with discrete latents, from state
#
# The RSSM of DreamerV2 (Hafner et al., *Mastering Atari with Discrete World Models*, 2021) has categorical latents: z
# is no point of a space but a choice of one class in each of several variables, and a prior over classes can say
# "either, but nothing between". The preset is `rssm-discrete`: `rssm-continuous` with this latent, and with weights of
# the losses that keep it sharp.
#
# The task is to swing up and hold a pendulum (`gym:Pendulum-v1`, 200 steps an episode, rewards of 0 at best and -16.3
# at worst). The observation is its *state*: the cosine and the sine of its angle, and its speed. Needs
# `pip install 'reverie[pixels]'`, whose packages draw the pendulum.
#
# ## Budget
#
# 5,000 frames; -144 from 2,000 on in the one run that was made. `dreamer` with fewer categoricals had -408 at 2,000 and
# -128 at 3,000 frames, and took 5.2 minutes of one core for 6,000 (one seed, `docs/presets/dreamer.md`).

# %%
import os
from pathlib import Path

import numpy as np
import torch

import reverie
from reverie.play.filming import film_run
from reverie.play.probe import ProbeConfig
from reverie.play.probing import learned
from reverie.report.evaluate import held_out_episodes
from reverie.report.open_loop import as_batch
from reverie.report.pictures import Picture
from reverie.report.plots import open_loop_lines

SMALL = "REVERIE_NOTEBOOK_SMALL" in os.environ  # set by the tests, which run this notebook in seconds
if SMALL:
    BUDGET = {"steps": 80, "prefill": 70, "pretrain": 1, "eval_episodes": 1, "episode_limit": 60, "batch": 2}
    EPISODES, UPDATES = 2, 2
else:
    BUDGET = {"steps": 5_000, "prefill": 1_000, "eval_every": 1_000, "eval_episodes": 10}
    EPISODES, UPDATES = 16, 600  # of the probe that draws the world's dreams
RUN = Path("runs/notebook-rssm-discrete-state")

# %% [markdown]
# ## The world's three parts
#
# Time is indexed by arrival: at step t the agent knows o_t, the action a_{t-1} that led there and the reward r_t. Two
# layers turn the observation o_t, F = 3 numbers, into an embedding e_t of E.
#
# 1. **Backbone**: h_t = GRU(h_{t-1}, z_{t-1}, a_{t-1}), D = 128 numbers, the memory of all that came before.
# 2. **Latent**: z_t, G = 32 categorical variables of C = 16 classes each, as one-hot numbers, Z = G C = 512. The
#    gradient goes straight through the draw: forwards the class, backwards its probability. The prior p(z_t | h_t) is
#    what the world expects before it looks.
# 3. **Posterior**: q(z_t | h_t, e_t), a *filter*: it reads the memory too, so that a chunk is walked step by step.
#
# Heads read (h_t, z_t): a decoder of the observation, the reward, and the chance that the episode goes on. What is
# learned is the evidence lower bound: reconstruction, reward and continuation, and the KL divergence KL(q || p), which
# makes the prior predict the posterior, and so the world able to dream.

# %%
resolved = reverie.resolve("rssm-discrete", "gym:Pendulum-v1", seed=0, **BUDGET)
print(resolved.parts)
for part in ("backbone", "latent", "posterior"):
    print(part, getattr(resolved.config, part))

# %% [markdown]
# ## Train
#
# `prefill` frames of random actions, then the agent collects its own. An update learns the world on chunks of
# experience, "B T" = 16 rows of 16 steps, and then the behaviour on dreams: from 64 of their states the actor acts for
# 12 imagined steps, "N H" = 64 x 12, and follows the gradient of the imagined lambda-return through the dynamics.
#
# A folder that holds a run is never written over: to train again, delete it or change `RUN`.

# %%
folder = reverie.run(resolved, RUN)

# %%
Picture(folder.pictures / "learning-curve.png")

# %% [markdown]
# The return that the same policy has in its dream, beside the one that it gets: a world that promises too much is one
# that the behaviour exploits.

# %%
Picture(folder.pictures / "dreamed-against-real.png")

# %% [markdown]
# ## What the world knows
#
# Four episodes of random actions that the run has not seen, as a batch "B T" = 4 x 50.

# %%
agent, resolved = reverie.load(RUN)
episodes = held_out_episodes(resolved.config.env, agent.codec, seed=0, number=4)
batch = as_batch(agent, episodes, start=0, length=50)
with torch.inference_mode():
    trace = agent.world.observe(batch, agent.world.initial(rows=4))
print("observation, B T F", tuple(batch.observation["state"].shape), " action, B T A", tuple(batch.action.shape))
print("h, B T D", tuple(trace.deter.shape), " z, B T Z", tuple(trace.stoch.shape))

# %% [markdown]
# The latents of the first ten steps of one episode: a row a step, in it the class of each of the 32 variables.

# %%
print(trace.stoch[0, :10].unflatten(-1, (32, 16)).argmax(-1).numpy())

# %% [markdown]
# ## Imagined beside real: the state
#
# Open loop: the world sees 5 steps, and then dreams 45 more along the actions that were really taken, without another
# look. Below is its error over these 45 steps, beside those of two guesses that know nothing of dynamics: what was seen
# last, and the mean.

# %%
loop = reverie.open_loop(agent, episodes, context=5, steps=45)
mean = np.concatenate([episode.observation["state"] for episode in episodes]).mean(0)
for name, error in loop.error("state", mean).items():
    print(f"{name:<7} root mean squared error {error.mean():.3f}")
truth, dream = loop.truth["state"][0], loop.dream["state"][0]
open_loop_lines(truth, dream, loop.context, folder.pictures / "open-loop.png", ["cosine", "sine", "speed"])
Picture(folder.pictures / "open-loop.png")

# %% [markdown]
# ## Imagined beside real: pictures
#
# This world has never seen a picture. A *probe*, a small decoder, learns now to draw the pendulum from (h_t, z_t); no
# gradient of it reaches the world. First, four imagined rollouts: after 5 real steps the agent acts in its dream.
# Borders are green where a picture is real or reconstructed from what was seen, and orange where it is dreamed.

# %%
probe, pictures = learned(agent, resolved.config.env, ProbeConfig(updates=UPDATES), episodes=EPISODES)
probe.save(RUN)
print(f"learned from {pictures} pictures")
Picture(film_run(RUN, "dreamed", folder.pictures / "dreamed.gif", episodes=4))

# %% [markdown]
# Last, four episodes of the agent, and beside each what the world dreams along its actions. Upright is unstable: nobody
# corrects a small error there, and a dreamed pendulum may fall where the real one stands.

# %%
Picture(film_run(RUN, "side-by-side", folder.pictures / "side-by-side.gif", episodes=4))
