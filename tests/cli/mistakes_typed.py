"""Mistakes on the command line itself: names, words and values."""

from mistake import Mistake

TRAIN = "train dreamer --env gym:Pendulum-v1"
HELP = "all options: reverie train dreamer --help"

WORDS = [
    Mistake(
        "no command",
        "",
        "name a command: train, fit, resume, eval, video, dream, report, probe, export, list, bench, faceoff, results, "
        "check-env, doctor; what they do: reverie --help",
    ),
    Mistake("an unknown command", "trian", "unknown command 'trian'; did you mean 'train'?"),
    Mistake(
        "no preset",
        "train",
        "name a preset first, as in: reverie train dreamer --env gym:Pendulum-v1 "
        "(dreamer, dreamer-reward, dreamerv2, dreamerv3, daydreamer, rssm-continuous, rssm-discrete, tssm, "
        "transdreamer, awm, s4wm, twm, worldmodels, planet, tdmpc2, tcrl, dcwm)",
    ),
    Mistake("an option before the preset", "train --env gym:Pendulum-v1 dreamer", "name a preset first, as in: …"),
    Mistake("an unknown preset", "train dreamr", "unknown preset 'dreamr'; did you mean 'dreamer'?"),
    Mistake("an unknown scale", f"{TRAIN} --scale papper", "unknown scale of dreamer 'papper'; did you mean 'paper'?"),
    Mistake("an unknown backbone", f"{TRAIN} --backbone gruu", "unknown backbone 'gruu'; did you mean 'gru'?"),
    Mistake("an unknown latent", f"{TRAIN} --latent=gausian", "unknown latent 'gausian'; did you mean 'gaussian'?"),
    Mistake("an unknown posterior", f"{TRAIN} --posterior filtr", "unknown posterior 'filtr'; did you mean 'filter'?"),
    Mistake(
        "an unknown objective",
        f"{TRAIN} --objective filter",
        "unknown objective 'filter'; did you mean 'filtering'?",
    ),
    Mistake(
        "an unknown behaviour",
        f"{TRAIN} --behaviour value",
        "unknown behaviour 'value'; did you mean 'value-gradient'?",
    ),
    Mistake(
        "a backbone and a posterior that cannot work together",
        f"{TRAIN} --backbone attention",
        "--backbone attention learns from whole chunks, and --posterior filter walks through them step by step: "
        "add --posterior encode",
    ),
    Mistake(
        "more tokens per step than the backbone reads",
        f"{TRAIN} --dynamics.join stack",
        "--backbone gru reads one token per step, and --dynamics.join stack makes 3: choose --dynamics.join sum or "
        "--dynamics.join concat, or --backbone attention or --backbone transformer-xl or --backbone s5",
    ),
    Mistake("an unknown option", f"{TRAIN} --stepz 3", f"unknown option --stepz; did you mean --steps?; {HELP}"),
    Mistake(
        "an unknown option of a part",
        f"{TRAIN} --behaviour.horizn 3",
        f"unknown option --behaviour.horizn; did you mean --behaviour.horizon?; {HELP}",
    ),
    Mistake(
        "an option without the part it belongs to",
        f"{TRAIN} --actor.noise 3",
        f"unknown option --actor.noise; did you mean --behaviour.actor.noise?; {HELP}",
    ),
    Mistake("an option that is like no other", f"{TRAIN} --日本 3", f"unknown option --日本; {HELP}"),
    Mistake(
        "an option of another command",
        "resume run --steps 100",
        "unknown option --steps; all options: reverie resume --help",
    ),
    Mistake(
        "a word too many",
        f"{TRAIN} cartpole",
        f"reverie train has no place for 'cartpole' (options that are on or off take no value); {HELP}",
    ),
    Mistake(
        "a value for an option that is on or off",
        f"{TRAIN} --pixels yes",
        f"reverie train has no place for 'yes' (options that are on or off take no value); {HELP}",
    ),
    Mistake(
        "an option after `--`",
        f"{TRAIN} -- --steps 3",
        f"--steps stands after --, where options end; leave the -- out; {HELP}",
    ),
    Mistake(
        "a word where a command takes none",
        "list all",
        "reverie list has no place for 'all' (options that are on or off take no value); "
        "all options: reverie list --help",
    ),
    Mistake(
        "no run",
        "eval",
        "reverie eval needs the run's folder; all options: reverie eval --help",
    ),
    Mistake(
        "an option without its value",
        f"{TRAIN} --run",
        f"--run needs a value (one that begins with a dash: --run=VALUE); {HELP}",
    ),
    Mistake("a scale without its name", f"{TRAIN} --scale", "--scale needs a value, as in: --scale NAME"),
    Mistake(
        "an empty scale", f"{TRAIN} --scale=", f"unknown --scale ''; known: desktop, laptop, paper, workstation; {HELP}"
    ),
]

KINDS = [
    Mistake("no number", f"{TRAIN} --steps many", f"--steps needs a whole number, not 'many'; {HELP}"),
    Mistake(
        "a whole number in scientific form",
        f"{TRAIN} --steps 1e5",
        f"--steps needs a whole number, not '1e5': write 100000; {HELP}",
    ),
    Mistake("a fraction", f"{TRAIN} --seed 1.5", f"--seed needs a whole number, not '1.5'; {HELP}"),
    Mistake("no number at all", f"{TRAIN} --steps=", f"--steps needs a whole number, not ''; {HELP}"),
    Mistake("words for two numbers", f"{TRAIN} --crop a b", f"--crop needs two numbers, not 'a' 'b'; {HELP}"),
    Mistake(
        "a word for a fraction",
        f"{TRAIN} --behaviour.gamma high",
        f"--behaviour.gamma needs a number, not 'high'; {HELP}",
    ),
    Mistake("a word for minutes", f"{TRAIN} --time-limit soon", f"--time-limit needs a number, not 'soon'; {HELP}"),
    Mistake(
        "a value that is no choice",
        f"{TRAIN} --precision half",
        f"unknown --precision 'half'; known: bfloat16, float32; {HELP}",
    ),
    Mistake(
        "a value that is nearly a choice",
        f"{TRAIN} --vector asink",
        f"unknown --vector 'asink'; did you mean 'async'?; {HELP}",
    ),
    Mistake(
        "a choice of another command",
        "bench --scales huge",
        "unknown scale of dreamer 'huge'; known: desktop, laptop, matched, matched-attention, paper, workstation",
    ),
]


def at_least(option: str, least: int, value: int = 0) -> Mistake:
    """A value below the least that makes sense."""
    return Mistake(
        f"`{option}` of {value}", f"{TRAIN} {option} {value}", f"{option} must be at least {least}, not {value}"
    )


def negative(option: str) -> Mistake:
    """A value below zero."""
    return Mistake(f"a negative `{option}`", f"{TRAIN} {option} -1", f"{option} must not be negative, not -1")


def ranged(situation: str, options: str, message: str, preset: str = "dreamer") -> Mistake:
    """A value of a part that is out of its range."""
    command = f"train {preset} --env gym:Pendulum-v1 {options}"
    return Mistake(situation, command, f"{message}; all options: reverie train {preset} --help")


RANGES = [
    at_least("--steps", 1, -5),
    at_least("--train-every", 1),
    at_least("--share-every", 1),
    at_least("--batch", 1),
    at_least("--eval-every", 1),
    at_least("--log-every", 1),
    at_least("--action-repeat", 1),
    at_least("--size", 1),
    at_least("--frame-stack", 1),
    at_least("--num-envs", 1),
    Mistake(
        "a negative `--height`", f"{TRAIN} --height -1", "--height must not be negative, not -1; 0 is as high as wide"
    ),
    Mistake(
        "a crop from below upwards",
        f"{TRAIN} --crop 0.7 0.4",
        "--crop needs two shares of the height, from 0 to 1 and the smaller one first, not 0.7 0.4, as in "
        "--crop 0.4 0.7",
    ),
    Mistake(
        "a pace that is none",
        f"{TRAIN} --rate -20",
        "--rate must be a number of agent steps a second, or 0 for no pace, not -20.0",
    ),
    Mistake(
        "CUDA graphs of a run that acts while it learns",
        f"{TRAIN} --live --graphs",
        "--graphs records what no other thread may disturb, and --live acts in one: leave it out, or add --no-live",
    ),
    Mistake(
        "images drawn in the thread that acts",
        f"{TRAIN} --live --pixels",
        "--live steps the environment in a thread of its own, where --pixels cannot be drawn: add --vector async, "
        "which draws in a process, or --no-live",
    ),
    negative("--seed"),
    negative("--prefill"),
    negative("--pretrain"),
    negative("--eval-episodes"),
    negative("--threads"),
    Mistake(
        "more `--threads` than any machine has",
        f"{TRAIN} --threads 100000",
        "--threads must be in [0, 1024], not 100000; 0 chooses",
    ),
    Mistake(
        "a `--seed` beyond 64 bits",
        f"{TRAIN} --seed 99999999999999999999",
        "--seed must be below 2**64 = 18446744073709551616, not 99999999999999999999",
    ),
    Mistake(
        "a prefill as long as the run",
        f"{TRAIN} --steps 5000",
        "--prefill 5,000 leaves nothing of --steps 5,000 to learn in; lower it, such as --prefill 1000",
    ),
    Mistake(
        "a run of one frame",
        f"{TRAIN} --steps 1 --prefill 1",
        "--prefill 1 leaves nothing of --steps 1 to learn in; raise --steps",
    ),
    Mistake(
        "chunks of one step",
        f"{TRAIN} --length 1",
        "--length must be at least 2, not 1: a chunk needs a step to predict",
    ),
    Mistake(
        "a replay that holds no chunks",
        f"{TRAIN} --replay-mib 0.0001",
        "a replay of 0.0 MiB is too small for chunks of 16 records of 22 bytes from 1 environments; "
        "it needs --replay-mib 0.1 or more",
    ),
    Mistake("a replay of nothing", f"{TRAIN} --replay-mib 0", "--replay-mib must be a positive number, not 0.0"),
    Mistake("a replay without a limit", f"{TRAIN} --replay-mib inf", "--replay-mib must be a positive number, not inf"),
    Mistake(
        "a negative `--episode-limit`",
        f"{TRAIN} --episode-limit -1",
        "--episode-limit must not be negative, not -1; 0 is the task's own limit",
    ),
    Mistake("no time", f"{TRAIN} --time-limit 0", "--time-limit must be above 0 minutes, not 0.0"),
    Mistake("a time that is no number", "resume run --time-limit nan", "--time-limit must be above 0 minutes, not nan"),
    ranged("a discount above 1", "--behaviour.gamma 1.5", "behaviour.gamma must be in [0, 1], not 1.5"),
    ranged("a discount that is no number", "--behaviour.gamma nan", "behaviour.gamma must be in [0, 1], not nan"),
    ranged("dreams of no steps", "--behaviour.horizon 0", "behaviour.horizon must be at least 1, not 0"),
    ranged("a negative number of dreams", "--behaviour.starts -1", "behaviour.starts must not be negative, not -1"),
    ranged(
        "a network of no width",
        "--encoder.mlp.units 0",
        "encoder.mlp: a network needs layers >= 0 and units >= 1, not 2 and 0",
    ),
    ranged(
        "a negative learning rate",
        "--objective.optimiser.lr -1",
        "objective.optimiser: an optimiser's lr must be positive, not -1.0",
    ),
    ranged("a weight that is no number", "--objective.vector nan", "objective.vector must not be negative, not nan"),
    ranged(
        "a uniform share of 1",
        "--latent categorical --latent.unimix 1",
        "latent.unimix must be in [0, 1), not 1.0",
    ),
    ranged(
        "a categorical of one class",
        "--latent categorical --latent.classes 1",
        "latent.groups must be at least 1 and latent.classes at least 2, not 16 and 1",
    ),
    ranged(
        "blocks that do not divide the memory",
        "--backbone.blocks 7",
        "backbone.units must be divisible by backbone.blocks, not 256 by 7",
        preset="dreamerv3",
    ),
    ranged(
        "heads that do not divide the width",
        "--backbone attention --posterior encode --backbone.heads 5",
        "backbone.units must be divisible by backbone.heads, not 96 by 5",
    ),
    ranged(
        "waves without a cosine",
        "--backbone transformer-xl --posterior encode --backbone.units 9 --backbone.heads 3",
        "backbone.units must be even, not 9: waves come as sine and cosine",
    ),
    ranged(
        "eigenvalues on no ring within the unit circle",
        "--backbone s5 --backbone.radius-max 1",
        "backbone.radius-min and backbone.radius-max must be in (0, 1), and in this order, not 0.3 and 1.0",
    ),
    Mistake(
        "a network too large for the machine",
        f"{TRAIN} --encoder.mlp.units 1000000000000",
        "there is not enough memory (…); lower --batch, --length, --replay-mib or a network's units",
    ),
]
