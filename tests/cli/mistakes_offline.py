"""Mistakes about recorded episodes: what `reverie fit` learns from, and what `reverie export` writes."""

from pathlib import Path

from mistake import Mistake, Place
from mistakes_packages import without

TINY = "--updates 2 --length 5 --batch 2 --threads 1"
CURE = "name the environment that it was recorded in, as it was seen then, or other --data"


def datasets(at: Place) -> None:
    """A run beside an empty folder of datasets."""
    at.run()
    at.patch.setenv("MINARI_DATASETS_PATH", "datasets")


def taken(at: Place) -> None:
    """A dataset of that name."""
    datasets(at)
    Path("datasets/walk-v0").mkdir(parents=True)


def empty(at: Place) -> None:
    """A folder of a dataset, without its metadata."""
    datasets(at)
    Path("datasets/walk-v0/data").mkdir(parents=True)


DATA = [
    Mistake(
        "`fit` without data",
        "fit dreamer --env py:tiny:walk",
        "name what was recorded, as in: --data runs/RUN, or --data minari:NAME",
    ),
    Mistake(
        "`fit` without data and environment",
        "fit dreamer",
        "name an environment, as in: reverie fit dreamer --data runs/RUN --env gym:Pendulum-v1",
    ),
    Mistake(
        "`fit` without a preset",
        "fit --data run",
        "name a preset first, as in: reverie fit dreamer --data runs/RUN --env gym:Pendulum-v1 (…)",
        Place.run,
    ),
    Mistake(
        "data that are no run",
        "fit dreamer --data nowhere",
        "--data nowhere holds no run: name the folder that `reverie train` wrote, or minari:NAME",
    ),
    Mistake(
        "data without a checkpoint",
        "fit dreamer --data run",
        "no checkpoint run/checkpoint/run.safetensors; a run writes its first one at the end of its first stage",
        lambda at: (at.run() / "checkpoint" / "run.safetensors").unlink(),
    ),
    Mistake(
        "an option that is for collecting",
        "fit dreamer --data run --steps 1000",
        "unknown option --steps; all options: reverie fit dreamer --help",
        Place.run,
    ),
    Mistake(
        "data of another environment",
        f"fit dreamer --data run --env py:tiny:senses {TINY}",
        f"run has observations state (2,) float32, and py:tiny:senses has clock (1,) float32, …: {CURE}",
        Place.run,
    ),
    Mistake(
        "data with other actions",
        f"fit dreamerv2 --data run --env py:tiny:choosing {TINY}",
        f"run has actions (1,) from -2.0 to 2.0, and py:tiny:choosing has Discrete(2): {CURE}",
        Place.run,
    ),
    Mistake(
        "data with another action repeat",
        f"fit dreamer --data run --action-repeat 4 {TINY}",
        f"run was recorded with --action-repeat 1, and here it is 4: {CURE}",
        Place.run,
    ),
    Mistake(
        "data that hold too little",
        "fit dreamer --data run --length 500",
        "--data run holds … records, fewer than a chunk of --length 500: name more",
        Place.run,
    ),
    Mistake(
        "a negative number of updates",
        "fit dreamer --data run --updates -1",
        "--updates must not be negative, not -1",
        Place.run,
    ),
    Mistake(
        "fewer updates than stages of their own take",
        "fit twm --data run --updates 10 --pretrain 100",
        "--updates 10 leaves nothing after the 90 of see, predict; raise it, or lower --pretrain",
        Place.run,
    ),
    Mistake(
        "updates of a program whose stages have their own",
        "fit worldmodels --data run --updates 10",
        "--updates is for programs that learn all at once; vision, memory, control have numbers of their own: "
        "set those",
        Place.run,
    ),
    Mistake(
        "controllers that are tried out in the environment",
        "fit worldmodels --data run --arena real",
        "--arena real tries controllers out in the environment, and what is recorded cannot answer them; "
        "choose --arena dream",
        Place.run,
    ),
    Mistake(
        "a dataset that is not here",
        "fit dreamer --data minari:walk-v0",
        "there is no dataset minari:walk-v0 in datasets: `minari list local` names those that are there, and "
        "`minari download` fetches a public one",
        datasets,
        needs=("minari", "h5py"),
    ),
    Mistake(
        "a dataset that is spoiled",
        "fit dreamer --data minari:walk-v0",
        "minari:walk-v0 cannot be read: No data found in data path datasets/walk-v0/data",
        empty,
        needs=("minari", "h5py"),
    ),
    Mistake(
        "a dataset without Minari",
        "fit dreamer --data minari:walk-v0",
        "reading minari:walk-v0 needs the package 'minari', which is not installed: pip install 'reverie[minari]'",
        without("minari"),
        needs=("h5py",),
    ),
    Mistake(
        "`export` of what is no run",
        "export nowhere --to minari:walk-v0",
        "nowhere holds no run: it has no config.json; name the folder that `reverie train` wrote",
    ),
    Mistake(
        "`export` to nothing",
        "export run",
        "reverie export needs --to: the dataset, as minari:NAME-v0 or minari:NAMESPACE/NAME-v0; it lies in "
        "MINARI_DATASETS_PATH or ~/.minari; all options: reverie export --help",
        Place.run,
    ),
    Mistake(
        "`export` to a file",
        "export run --to walk.hdf5",
        "--to walk.hdf5 should read minari:NAME, as in: --to minari:pendulum/dreamer-v0",
        Place.run,
    ),
    Mistake(
        "`export` to a name without a version",
        "export run --to minari:walk",
        "minari:walk is no name of a dataset: it should read NAME-vNUMBER, or NAMESPACE/NAME-vNUMBER, as in "
        "minari:pendulum/dreamer-v0",
        datasets,
        needs=("minari", "h5py"),
    ),
    Mistake(
        "`export` to a dataset that exists",
        "export run --to minari:walk-v0",
        "the dataset minari:walk-v0 exists already in datasets; choose another name or version",
        taken,
        needs=("minari", "h5py"),
    ),
    Mistake(
        "`export` without Minari",
        "export run --to minari:walk-v0",
        "writing minari:walk-v0 needs the package 'minari', which is not installed: pip install 'reverie[minari]'",
        lambda at: (at.run(), without("minari")(at)),
        needs=("h5py",),
    ),
]
