"""The page's server: three files, and a websocket for each viewer."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from reverie.errors import UserError
from reverie.play.page.guard import Guard
from reverie.play.page.messages import LONGEST
from reverie.play.page.show import Show, Viewer

FILES = Path(__file__).parent / "static"

MOST = 32
"""Viewers at a time."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
"""Nothing from elsewhere is loaded, and nothing is told to it."""


def app(show: Show, guard: Guard, failed: Callable[[], None] = lambda: None) -> Starlette:
    """The page of a show; failed is called where the show breaks."""

    async def index(request: Request) -> Response:
        refusal = guard.refusal(request)
        return PlainTextResponse(refusal, 403) if refusal else FileResponse(FILES / "index.html")

    async def watch(websocket: WebSocket) -> None:
        refusal = guard.refusal(websocket)
        if refusal or show.viewers >= MOST:
            await websocket.close(1008 if refusal else 1013, refusal or "too many viewers")
            return
        await websocket.accept()
        viewer = show.join()
        sending = asyncio.create_task(_send(websocket, viewer))
        try:
            await _receive(websocket, show, viewer)
        finally:
            show.leave(viewer)
            sending.cancel()

    async def protect(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        refusal = guard.stranger(request)
        response = PlainTextResponse(refusal, 403) if refusal else await answer(request)
        response.headers.update(HEADERS)
        return response

    @contextlib.asynccontextmanager
    async def playing(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(show.run())
        task.add_done_callback(lambda _: failed())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    routes = [Route("/", index), WebSocketRoute("/ws", watch), Mount("/static", StaticFiles(directory=FILES))]
    return Starlette(routes=routes, lifespan=playing, middleware=[Middleware(BaseHTTPMiddleware, dispatch=protect)])


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 is any that is free.

    Raises:
        UserError: if it cannot be had.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family)  # type: ignore[arg-type]
    except (OSError, UnicodeError) as error:  # the latter for a name that can be none
        why = getattr(error, "strerror", None) or error
        raise UserError(
            f"the page cannot listen on port {port} of {host}: {why}; choose others with --port or --host "
            "(--port 0 takes any that is free)"
        ) from error


def serve(show: Show, guard: Guard, where: socket.socket) -> None:
    """Serve the page until it is interrupted; what breaks the show is raised."""
    config = uvicorn.Config(
        app(show, guard, lambda: setattr(server, "should_exit", True)),
        ws="websockets-sansio",
        ws_max_size=LONGEST,
        log_level="critical",
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[where])
    if show.failure is not None:
        raise show.failure


async def _send(websocket: WebSocket, viewer: Viewer) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # the viewer left
        while True:
            for text in await viewer.next():
                await websocket.send_text(text)


async def _receive(websocket: WebSocket, show: Show, viewer: Viewer) -> None:
    while (message := await websocket.receive())["type"] == "websocket.receive":
        show.tell(message.get("text") or "", viewer)
