"""A session that goes on at its own pace, and all who watch it."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from reverie.errors import UserError
from reverie.play.page.messages import Message, parse, say, shown
from reverie.play.page.session import Frame, Session

REST = 1.0
"""Seconds for which the end of an episode stays on the page."""


class Viewer:
    """What one viewer has not been sent yet: of each kind the latest alone, so that a slow one misses some."""

    def __init__(self) -> None:
        self._waiting: dict[str, str] = {}
        self._ready = asyncio.Event()

    def offer(self, kind: str, text: str) -> None:
        """Something to send."""
        self._waiting[kind] = text
        self._ready.set()

    async def next(self) -> list[str]:
        """Wait for something, and take all there is."""
        await self._ready.wait()
        self._ready.clear()
        waiting, self._waiting = self._waiting, {}
        return list(waiting.values())


class Show:
    """One session for all viewers. It stands still while there is none.

    All that touches the session happens in one thread, since an environment may draw in the thread alone in which it
    was made.

    Attributes:
        session: what is shown.
        failure: what broke it, where that was no user's mistake.
    """

    def __init__(self, make: Callable[[], Session], fps: float) -> None:
        """Make the session, in its thread.

        Raises:
            UserError: what the session raises.
        """
        self._thread = ThreadPoolExecutor(1, "session")
        try:
            self.session = self._thread.submit(make).result()
        except BaseException:
            self._thread.shutdown()
            raise
        self._pause = 1 / fps
        self._viewers: set[Viewer] = set()
        self._orders: dict[str, Any] = {}  # of each kind the latest alone
        self._values, self._paused = self.session.controls.idle, False
        self._changed = asyncio.Event()
        self.failure: BaseException | None = None

    @property
    def viewers(self) -> int:
        """How many watch."""
        return len(self._viewers)

    def join(self) -> Viewer:
        """A viewer more, who is told what there is."""
        viewer = Viewer()
        self._viewers.add(viewer)
        viewer.offer("hello", say("hello", self.session.described()))
        self._orders.setdefault("look", None)
        self._changed.set()
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """One less; what the last one did ends with them."""
        self._viewers.discard(viewer)
        if not self._viewers:
            self._values = self.session.controls.idle

    def tell(self, text: str, viewer: Viewer) -> None:
        """A viewer's message: an answer where it asks for one or makes no sense, else an order for the next step."""
        try:
            message = parse(text, self.session)
        except UserError as error:
            viewer.offer("error", say("error", str(error)))
            return
        if message.kind == "ping":
            viewer.offer("pong", say("pong", message.value))
            return
        self._orders[message.kind] = message.value
        self._changed.set()

    async def run(self) -> None:
        """Step by step, until it is cancelled or breaks."""
        try:
            while True:
                await self._wanted()
                began = time.monotonic()
                over = await self._go_on()
                wait = REST if over else began + self._pause - time.monotonic()
                await asyncio.sleep(max(0.0, wait))
        except Exception as error:
            self.failure = error

    def close(self) -> None:
        """End the session."""
        self._thread.submit(self.session.close).result()
        self._thread.shutdown()

    async def _go_on(self) -> bool:
        """One step, shown to all; whether the episode is over."""
        orders, self._orders = self._orders, {}
        told, over = await asyncio.get_running_loop().run_in_executor(self._thread, self._advance, orders)
        for viewer in self._viewers:
            viewer.offer(*told)
        return over

    async def _wanted(self) -> None:
        """Wait until there is somebody to see a step, or something to be done."""
        while not self._viewers or (self._paused and not self._orders):
            self._changed.clear()
            await self._changed.wait()

    def _advance(self, orders: dict[str, Any]) -> tuple[tuple[str, str], bool]:
        """Obey, and step if nobody paused: a message with its kind, and whether the episode is over."""
        try:
            frame: Frame | None = None
            for kind, value in orders.items():
                frame = self._obey(Message(kind, value)) or frame
            if frame is None:
                frame = self.session.look() if self._paused else self.session.step(self._values)
        except UserError as error:
            self._paused = True
            return ("error", say("error", f"{error}; it stands still until it is reset")), False
        return ("frame", shown(frame, self.session, paused=self._paused)), frame.over

    def _obey(self, order: Message) -> Frame | None:
        """Do what was asked for; what is begun anew is to be seen first."""
        session = self.session
        match order:
            case Message("reset"):
                self._paused = False
                return session.reset()
            case Message("moment", number):
                self._paused = False
                return session.begin(number)
            case Message("act", values):
                self._values = values
            case Message("pause", chosen):
                self._paused = chosen
            case Message("agent", chosen):
                session.agent_acts = chosen
            case Message("posterior", chosen):
                session.posterior = chosen
            case Message("temperature", value):
                session.temperature = value
        return None
