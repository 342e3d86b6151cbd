"""Unknown as a value: `UNKNOWN` means that nobody published it, None that there is none.

A field says in its type which of the two may stand in it: `int | Unknown`, `int | None`, or `int | Unknown | None`.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, TypeGuard, TypeVar

from llama4ref.errors import UnknownFactError

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

T = TypeVar("T")

WRITTEN_UNKNOWN: Final = {"state": "unknown"}
"""UNKNOWN in the JSON that types are read from; a mapping, so that no text is taken for it."""
NOT_UNKNOWN: Final = "not_unknown"
"""The type of pydantic's error about a value that is not UNKNOWN."""


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

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> CoreSchema:
        """How pydantic reads it: from `WRITTEN_UNKNOWN` alone, and from no text."""
        from pydantic_core.core_schema import no_info_plain_validator_function

        return no_info_plain_validator_function(_unknown)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The word that a spec writes for it."""
        return {"const": "unknown"}


UNKNOWN: Final = Unknown.UNKNOWN
"""Nobody published it."""


def is_stated(value: T | Unknown | None) -> TypeGuard[T]:
    """Whether there is a value and it is published.

    Examples:
        >>> is_stated(0), is_stated(UNKNOWN), is_stated(None)
        (True, False, False)
    """
    return value is not None and value is not UNKNOWN


def known(value: T | Unknown, entity: str, field: str) -> T:
    """A value that may be unknown, where nothing can be computed without it.

    Raises:
        UnknownFactError: where it is UNKNOWN.

    Examples:
        >>> known(3.35e12, "accelerators/h100-sxm", "bandwidth")
        3350000000000.0
    """
    if value is UNKNOWN:
        raise UnknownFactError(entity, field)
    return value


def _unknown(value: object) -> Unknown:
    if value == WRITTEN_UNKNOWN:
        return UNKNOWN
    from pydantic_core import PydanticCustomError

    raise PydanticCustomError(NOT_UNKNOWN, "unknown")
