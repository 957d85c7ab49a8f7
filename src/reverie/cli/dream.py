"""`reverie dream`."""

import secrets
import sys
import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated
from urllib.parse import quote

import tyro

from reverie.cli.reading import check_seed, read
from reverie.errors import MissingExtra, UserError


@dataclass(frozen=True)
class Dream:
    """Play inside the learned world of a run, on a web page."""

    run: Annotated[str, tyro.conf.Positional]
    """the run's folder"""
    host: str = "127.0.0.1"
    """where to listen; what is no loopback address is for others too, and asks them for a token"""
    port: int = 8765
    """the port; 0 takes any that is free"""
    token: str = ""
    """what one must know to look; by default a random one where others can reach the page, and none elsewhere"""
    device: str = "cpu"
    """where to compute"""
    temperature: float = 1.0
    """of the dream, to begin with; above 1 the world is less sure of what comes than it learned to be"""
    seed: int = 0
    """seed of the real episodes and of what is dreamed"""
    fps: float = 15.0
    """steps per second, at most"""
    open: bool = field(default_factory=lambda: sys.stdout.isatty())
    """whether to open the page in a browser; by default where the output is a terminal"""


def _check(chosen: Dream) -> None:
    if not 0 <= chosen.port <= 65535:
        raise UserError(f"--port must be in [0, 65535], not {chosen.port}; 0 takes any that is free")
    check_seed(chosen.seed)
    for name, most in {"temperature": 1000, "fps": 1000}.items():
        if not 0 < getattr(chosen, name) <= most:
            raise UserError(f"--{name} must be above 0 and at most {most}, not {getattr(chosen, name)}")


def dream(arguments: Sequence[str]) -> None:
    """Serve the page of a run until Ctrl-C, and print its address."""
    chosen = read(Dream, arguments, "reverie dream")
    _check(chosen)
    try:
        from reverie.play.page import server
        from reverie.play.page.guard import Guard, loopback
    except ModuleNotFoundError as error:
        raise MissingExtra((error.name or "starlette").partition(".")[0], "web", "reverie dream") from error
    from reverie.play.page.session import Session
    from reverie.play.page.show import Show

    token = chosen.token or ("" if loopback(chosen.host) else secrets.token_urlsafe(16))
    make = partial(Session, chosen.run, temperature=chosen.temperature, seed=chosen.seed, device=chosen.device)
    with server.listen(chosen.host, chosen.port) as where:
        show = Show(make, chosen.fps)
        try:
            address = _address(chosen.host, where.getsockname()[1], token)
            print(f"{show.session.title}: {address}  (Ctrl-C ends it)", flush=True)
            if chosen.open:
                webbrowser.open(address)
            server.serve(show, Guard(chosen.host, token), where)
        finally:
            show.close()


def _address(host: str, port: int, token: str) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"?token={quote(token, safe='')}" if token else "")
