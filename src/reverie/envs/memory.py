"""Small environments that a world without a memory cannot predict (after S4WM: Deng et al. 2023, section 4)."""

from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces

SIDE = 64
"""Of the pictures, in pixels."""
COLOURS = np.array(
    [[220, 60, 50], [60, 110, 220], [240, 190, 60], [90, 180, 90], [160, 90, 200], [80, 190, 200]], np.uint8
)


class Corridor(gymnasium.Env):
    """A walk past coloured walls: a cue at the beginning tells which of two doors at the end pays.

    Every action goes on by a step. The last one, before the doors, chooses: 0 the left door, 1 the right one. The door
    that the cue told pays 1, the other nothing, and the episode ends there. The walls' colours are new at every step
    and mean nothing.

    Observation, 6 numbers: the cue as one-hot, at the first step alone; 1 before the doors; the colour of the walls.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012 (as Gymnasium has it)

    def __init__(self, length: int = 100, render_mode: str | None = None) -> None:
        """Build a corridor that takes `length` actions, at least 2."""
        if length < 2:
            raise ValueError(f"a corridor has at least 2 steps, not {length}")
        self.observation_space = spaces.Box(0, 1, (6,), np.float32)
        self.action_space = spaces.Discrete(2)
        self.length, self.render_mode = length, render_mode
        self.cue, self.walked, self.walls = 0, 0, np.zeros(3)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        """Draw a cue, and stand before it."""
        super().reset(seed=seed)
        self.cue, self.walked = int(self.np_random.integers(2)), 0
        return self._see(), {}

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        """Walk, or choose."""
        self.walked += 1
        over = self.walked == self.length
        reward = float(over and int(action) == self.cue)
        return self._see(), reward, over, False, {}

    def render(self) -> np.ndarray:
        """The walls above and below, what is seen between them, and how far one has come."""
        image = np.full((SIDE, SIDE, 3), 30, np.uint8)
        image[:16] = image[-16:] = (255 * self.walls).astype(np.uint8)
        if self.walked == 0:
            image[24:40, 24:40] = COLOURS[self.cue]
        if self._before_doors():
            image[16:-16, :8], image[16:-16, -8:] = COLOURS[0], COLOURS[1]
        return image

    def _before_doors(self) -> bool:
        return self.walked == self.length - 1

    def _see(self) -> np.ndarray:
        self.walls = self.np_random.random(3)
        seen = np.zeros(6, np.float32)
        seen[self.cue] = self.walked == 0
        seen[2] = self._before_doors()
        seen[3:] = self.walls
        return seen


class DoorsAndKeys(gymnasium.Env):
    """A room of keys and of doors in its walls: each key opens the door of its colour; one key is carried at a time.

    Actions 0 to 3 go up, right, down and left. A key is taken by walking onto it, if the hand is free; a door opens if
    one walks into it with its key, which is used up by that, and pays 1. The episode ends when all doors are open, and
    is cut after `limit` steps. What is carried cannot be seen, nor what lies beyond the nearest cells.

    Observation, 9 (2 + 2 colours) numbers: of each of the 3 x 3 cells around, whether it is wall, an open door, the key
    or the closed door of each colour.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 8}  # noqa: RUF012
    MOVES: ClassVar[tuple[tuple[int, int], ...]] = ((-1, 0), (0, 1), (1, 0), (0, -1))
    EMPTY, WALL, OPEN = 0, 1, 2

    def __init__(self, colours: int = 3, size: int = 6, limit: int = 200, render_mode: str | None = None) -> None:
        """Build a room of size x size cells within its walls, with keys and doors of so many colours.

        Raises:
            ValueError: if they are not between 1 and 6, or do not fit.
        """
        most = min(len(COLOURS), size**2 - 1)  # a cell for each key, and one to stand in
        if not 1 <= colours <= most:
            raise ValueError(f"a room of {size} x {size} has 1 to {most} colours, not {colours}")
        self.kinds = 2 + 2 * colours
        self.observation_space = spaces.Box(0, 1, (9 * self.kinds,), np.float32)
        self.action_space = spaces.Discrete(4)
        self.colours, self.size, self.limit, self.render_mode = colours, size, limit, render_mode
        self.cells = np.zeros((size + 2, size + 2), int)
        self.place, self.carried, self.now = (1, 1), -1, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        """A new room, with empty hands."""
        super().reset(seed=seed)
        last, draw = self.size + 1, self.np_random
        self.cells = np.full((self.size + 2, self.size + 2), self.WALL)
        self.cells[1:last, 1:last] = self.EMPTY
        walls = [cell for i in range(1, last) for cell in ((0, i), (last, i), (i, 0), (i, last))]
        inside = [(row, column) for row in range(1, last) for column in range(1, last)]
        doors, keys = (draw.choice(len(x), self.colours + 1, replace=False) for x in (walls, inside))
        for colour in range(self.colours):
            self.cells[walls[doors[colour]]] = self.door(colour)
            self.cells[inside[keys[colour]]] = self.key(colour)
        self.place, self.carried, self.now = inside[keys[-1]], -1, 0
        return self._see(), {}

    def key(self, colour: int) -> int:
        """What stands in a cell with that key."""
        return 3 + colour

    def door(self, colour: int) -> int:
        """What stands in a cell with that door, closed."""
        return 3 + self.colours + colour

    def step(self, action: int) -> tuple[np.ndarray, float, bool, bool, dict]:
        """Walk, take, open."""
        self.now += 1
        down, right = self.MOVES[int(action)]
        ahead = (self.place[0] + down, self.place[1] + right)
        met, reward = self.cells[ahead], 0.0
        if self.carried >= 0 and met == self.door(self.carried):
            self.cells[ahead], self.carried, reward = self.OPEN, -1, 1.0
        elif met == self.EMPTY or self.key(0) <= met < self.door(0):
            self.place = ahead
            if met != self.EMPTY and self.carried < 0:
                self.cells[ahead], self.carried = self.EMPTY, int(met) - self.key(0)
        over = not (self.cells >= self.door(0)).any()
        return self._see(), reward, over, self.now >= self.limit, {}

    def render(self) -> np.ndarray:
        """The room from above: doors fill their cell, keys the middle of it, and who walks is white."""
        picture = np.zeros((*self.cells.shape, 4, 4, 3), np.uint8)
        picture[self.cells == self.WALL] = 110
        for colour in range(self.colours):
            picture[self.cells == self.door(colour)] = COLOURS[colour]
            picture[self.cells == self.key(colour), 1:3, 1:3] = COLOURS[colour]
        picture[(*self.place, slice(1, 3), slice(1, 3))] = 255
        flat = picture.transpose(0, 2, 1, 3, 4).reshape(4 * len(self.cells), -1, 3)
        scale = np.arange(SIDE) * len(flat) // SIDE
        return flat[scale][:, scale]

    def _see(self) -> np.ndarray:
        row, column = self.place
        around = self.cells[row - 1 : row + 2, column - 1 : column + 2].ravel()
        return np.eye(self.kinds + 1, dtype=np.float32)[around][:, 1:].ravel()
