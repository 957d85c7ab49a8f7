"""The command line: `reverie train dreamer --env dmc:cartpole-swingup`."""

from reverie.cli.main import main

__all__ = ["main"]
