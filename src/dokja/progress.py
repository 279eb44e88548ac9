"""How long work says how far it is: one shape for every room, and whoever shows it decides how often it is seen."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with (what is worked on, how much of it is done, how much there is), as often as the work likes."""


def unheard(what: str, done: int, total: int) -> None:
    """Hear how far work is, and show nobody."""
