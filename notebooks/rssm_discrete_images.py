# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A recurrent state-space model (RSSM) with discrete latents, from images
#
# The RSSM of DreamerV2 (Hafner et al., *Mastering Atari with Discrete World Models*, 2021) has categorical latents: z
# is no point of a space but a choice of one class in each of several variables, and a prior over classes can say
# "either, but nothing between". The preset is `rssm-discrete`: `rssm-continuous` with this latent, and with weights of
# the losses that keep it sharp.
#
# The task is to swing up and hold a pendulum (`gym:Pendulum-v1`, 200 steps an episode, rewards of 0 at best and -16.3
# at worst). The observation is a picture of 64 x 64 pixels, "H W C" = 64 x 64 x 3 of bytes. It does not show how
# fast the pendulum moves: the memory h has to know that.
# Needs `pip install 'reverie[pixels]'`.
#
# ## Budget
#
# 6,000 frames, about 10 minutes. With Gaussian latents and batches half as large again, `dreamer` had -160 and -345 at
# 6,000 frames (two seeds, 16 and 13 minutes of a shared core) and -134 and -151 over the last three evaluations up to
# 9,000 (`docs/presets/dreamer.md`); from state its categorical latents needed 1,000 frames more than Gaussian ones.
# Expect a policy that has just learned to swing up (-167 here, in one run), or is
# about to, and raise `steps` for more.

# %%
import os
from pathlib import Path

import numpy as np
import torch

import reverie
from reverie.play.filming import film_run
from reverie.report.evaluate import held_out_episodes
from reverie.report.open_loop import as_batch
from reverie.report.pictures import Picture

SMALL = "REVERIE_NOTEBOOK_SMALL" in os.environ  # set by the tests, which run this notebook in seconds
if SMALL:
    BUDGET = {"steps": 80, "prefill": 70, "pretrain": 1, "eval_episodes": 1, "episode_limit": 60}
    BATCH, LENGTH, EPISODES = 2, 8, 1
else:
    BUDGET = {"steps": 6_000, "prefill": 3_000, "eval_every": 1_000, "eval_episodes": 4, "threads": 2}
    BATCH, LENGTH, EPISODES = 8, 32, 4
RUN = Path("runs/notebook-rssm-discrete-images")

# %% [markdown]
# ## The world's three parts
#
# Time is indexed by arrival: at step t the agent knows o_t, the action a_{t-1} that led there and the reward r_t. Four
# strided convolutions turn the picture o_t into an embedding e_t of E numbers.
#
# 1. **Backbone**: h_t = GRU(h_{t-1}, z_{t-1}, a_{t-1}), D = 128 numbers, the memory of all that came before.
# 2. **Latent**: z_t, G = 32 categorical variables of C = 16 classes each, as one-hot numbers, Z = G C = 512. The
#    gradient goes straight through the draw: forwards the class, backwards its probability. The prior p(z_t | h_t) is
#    what the world expects before it looks.
# 3. **Posterior**: q(z_t | h_t, e_t), a *filter*: it reads the memory too, so that a chunk is walked step by step.
#
# Heads read (h_t, z_t): a decoder of the picture by transposed convolutions, the reward, and the chance that the
# episode goes on. What is learned is the evidence lower bound: reconstruction, reward and continuation, and the KL
# divergence KL(q || p), which makes the prior predict the posterior, and so the world able to dream. Its weight on the
# prior is 1 here, as in the recorded runs from pixels, and not the preset's 0.5.

# %%
resolved = reverie.resolve(
    "rssm-discrete",
    "gym:Pendulum-v1",
    pixels=True,
    seed=0,
    batch=BATCH,
    length=LENGTH,
    **{"objective.dynamics": 1.0},
    **BUDGET,
)
print(resolved.parts)
for part in ("backbone", "latent", "posterior"):
    print(part, getattr(resolved.config, part))

# %% [markdown]
# ## Train
#
# `prefill` frames of random actions, then the agent collects its own. An update learns the world on chunks of
# experience, "B T" = 8 rows of 32 steps, and then the behaviour on dreams: from 64 of their states the actor acts for
# 12 imagined steps, "N H" = 64 x 12, and follows the gradient of the imagined lambda-return through the dynamics. No
# picture is drawn in these dreams: actor, critic and reward read (h, z).
#
# A folder that holds a run is never written over: to train again, delete it or change `RUN`.

# %%
folder = reverie.run(resolved, RUN)

# %%
Picture(folder.pictures / "learning-curve.png")

# %% [markdown]
# ## What the world knows
#
# Four episodes of random actions that the run has not seen, as a batch "B T" = 4 x 25.

# %%
agent, resolved = reverie.load(RUN)
episodes = held_out_episodes(resolved.config.env, agent.codec, seed=0, number=4)
batch = as_batch(agent, episodes, start=0, length=25)
with torch.inference_mode():
    trace = agent.world.observe(batch, agent.world.initial(rows=4))
print("observation, B T H W C", tuple(batch.observation["image"].shape), " action, B T A", tuple(batch.action.shape))
print("h, B T D", tuple(trace.deter.shape), " z, B T Z", tuple(trace.stoch.shape))

# %% [markdown]
# The latents of the first ten steps of one episode: a row a step, in it the class of each of the 32 variables.

# %%
print(trace.stoch[0, :10].unflatten(-1, (32, 16)).argmax(-1).numpy())

# %% [markdown]
# ## Imagined beside real
#
# Open loop: the world sees 5 steps, and then dreams 20 more along the actions that were really taken, without another
# look. Below is the mean squared error of its pixels over these 20 steps, beside those of two guesses that know nothing
# of dynamics: the picture that was seen last, and the mean picture.

# %%
loop = reverie.open_loop(agent, episodes, context=5, steps=20)
mean = np.concatenate([episode.observation["image"] for episode in episodes]).mean(0) / 255
for name, error in loop.error("image", mean).items():
    print(f"{name:<7} mean squared error {np.square(error).mean():.5f}")

# %% [markdown]
# Imagined rollouts: after 5 real steps the agent acts in its dream. Borders are green where a picture is real or
# reconstructed from what was seen, and orange where it is dreamed.

# %%
Picture(film_run(RUN, "dreamed", folder.pictures / "dreamed.gif", episodes=EPISODES))

# %% [markdown]
# Last, episodes of the agent, and beside each what the world dreams along its actions. Upright is unstable: nobody
# corrects a small error there, and a dreamed pendulum may fall where the real one stands.

# %%
Picture(film_run(RUN, "side-by-side", folder.pictures / "side-by-side.gif", episodes=EPISODES))
