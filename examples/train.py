"""Train an agent from Python: what `reverie train` does, in a few lines.

python examples/train.py [STEPS]
"""

import sys

import reverie

if __name__ == "__main__":
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 4_000
    resolved = reverie.resolve(
        "dreamer", "gym:Pendulum-v1", steps=steps, prefill=steps // 4, eval_every=1_000, eval_episodes=5
    )
    folder = reverie.run(resolved, "runs/example")
    print(folder.pictures)
