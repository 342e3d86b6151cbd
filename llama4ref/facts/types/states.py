"""Unknown as a value: `UNKNOWN` means that nobody published it, None that there is none."""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal


class Unknown(Enum):
    """The type of a fact that nobody published; it has one member.

    Examples:
        >>> str(UNKNOWN), bool(UNKNOWN), UNKNOWN is None
        ('unknown', False, False)
    """

    UNKNOWN = "unknown"

    def __bool__(self) -> Literal[False]:
        """Nothing may be relied on."""
        return False

    def __str__(self) -> str:
        return "unknown"

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown.UNKNOWN
"""Nobody published it."""
