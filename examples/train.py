"""Train an agent from Python: what `reverie train` does, in a few lines.

python examples/train.py
"""

import reverie

if __name__ == "__main__":
    resolved = reverie.resolve(
        "dreamer", "gym:Pendulum-v1", steps=4_000, prefill=1_000, eval_every=1_000, eval_episodes=5
    )
    folder = reverie.run(resolved, "runs/example")
    print(folder.pictures)
