"""The nine-grid: where a smaller rectangle lies in a larger one, and which way its offsets go (spec/01 §4)."""

from __future__ import annotations

import enum

from proxy.errors import InvalidArgument


class Gravity(enum.Enum):
    """A cell of the grid: 0, 1 or 2 across and down."""

    NORTHWEST = (0, 0)
    NORTH = (1, 0)
    NORTHEAST = (2, 0)
    WEST = (0, 1)
    CENTER = (1, 1)
    EAST = (2, 1)
    SOUTHWEST = (0, 2)
    SOUTH = (1, 2)
    SOUTHEAST = (2, 2)

    @classmethod
    def parse(cls, text: str) -> Gravity:
        """Read *text* in any case: CI's own pages write ``SouthEast``, ``southeast`` and ``northWest``.

        Raises:
            InvalidArgument: not one of the nine.
        """
        found = _BY_NAME.get(text.lower()) if text.isascii() else None
        if found is None:
            raise InvalidArgument.of("gravity", text, "one of " + ", ".join(_BY_NAME))
        return found

    def format(self) -> str:
        """``/gravity/southeast``; nothing for northwest, the default."""
        return "" if self is Gravity.NORTHWEST else f"/gravity/{self.name.lower()}"

    def heeded(self, dx_px: int, dy_px: int) -> tuple[int, int]:
        """The offsets that mean something here: a centred axis ignores its own."""
        across, down = self.value
        return (0 if across == 1 else dx_px), (0 if down == 1 else dy_px)

    def place(
        self, outer_px: tuple[int, int], inner_px: tuple[int, int], offset_px: tuple[int, int]
    ) -> tuple[int, int]:
        """Left and top of *inner_px* in *outer_px* (width, height each); offsets go inward.  May lie outside."""
        across, down = self.value
        return (
            _along(across, outer_px[0] - inner_px[0], offset_px[0]),
            _along(down, outer_px[1] - inner_px[1], offset_px[1]),
        )


_BY_NAME = {gravity.name.lower(): gravity for gravity in Gravity}


def _along(cell: int, room_px: int, offset_px: int) -> int:
    return (offset_px, room_px // 2, room_px - offset_px)[cell]
