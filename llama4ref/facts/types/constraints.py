"""How ids and days are spelled, and how much there may be of anything that is counted: types that the reader checks."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Gt, Le

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,126}[a-z0-9]|[a-z0-9]", re.ASCII)
ID_RULE = "lowercase letters, digits, dots and dashes"
_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_PART_OF_DAY = r"[0-9]{4}(-[0-9]{2}){0,2}"


def is_id(text: str) -> bool:
    """Whether a text can name a spec or a source.

    Examples:
        >>> is_id("vllm-0.32.0"), is_id("SCOUT"), is_id("a b"), is_id("")
        (True, False, False, False)
    """
    return _ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Spelled:
    """A condition on text: a pattern, and a function that raises ValueError where the text means nothing."""

    pattern: str
    read: Callable[[str], object]
    expected: str

    def check(self, text: str) -> str:
        """The text itself; raises ValueError where it does not fulfil the condition."""
        try:
            if re.fullmatch(self.pattern, text):
                self.read(text)
                return text
        except ValueError:
            pass
        raise ValueError(self.expected)

    def __get_pydantic_core_schema__(self, source: type, handler: GetCoreSchemaHandler) -> CoreSchema:
        """How pydantic checks it."""
        from pydantic_core.core_schema import no_info_after_validator_function

        return no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """What an editor checks."""
        return {**handler(schema), "pattern": f"^{self.pattern}$"}


def _read_part_of_day(text: str) -> dt.date:
    return dt.date.fromisoformat(f"{text}-01-01"[:10])


_FULL = Spelled(_DAY, dt.date.fromisoformat, "a day such as 2026-11-21")
_PARTIAL = Spelled(_PART_OF_DAY, _read_part_of_day, "a day, a month or a year, such as 2026-11-21, 2026-11 or 2026")

Day = Annotated[str, _FULL]
"""ISO 8601, such as `2026-11-21`."""
PartialDay = Annotated[str, _PARTIAL]
"""A day, or a month or a year where the day is not known."""
Capability = Annotated[str, Spelled(r"[0-9]{1,2}\.[0-9]", float, "a compute capability such as 9.0")]
"""CUDA compute capability."""
Count = Annotated[int, Gt(0), Le(10_000)]
"""How many there are of things that are gone through one by one: layers, experts, devices."""
Positive = Annotated[int, Gt(0)]
NotNegative = Annotated[int, Ge(0)]
PositiveFloat = Annotated[float, Gt(0)]
NotNegativeFloat = Annotated[float, Ge(0)]
Share = Annotated[float, Gt(0), Le(1)]
"""A part of a whole."""
Percent = Annotated[float, Ge(0), Le(100)]
Factor = Annotated[float, Ge(1)]
"""What makes something larger, or leaves it as it is."""


def is_partial_day(text: str) -> bool:
    """Whether a text is a day, a month or a year.

    Examples:
        >>> [is_partial_day(each) for each in ("2026-11", "2026-13", "2026-02-31", "yesterday")]
        [True, False, False, False]
    """
    try:
        _PARTIAL.check(text)
    except ValueError:
        return False
    return True
