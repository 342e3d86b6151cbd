"""How is a mapping written as the value of a server option, and read back?

Most options take JSON. Where a release takes `key=value` pairs instead, the flag's facts say so, and this module is the only
one that asks them.
"""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING

from llama4ref.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llama4ref.facts.types.engines import Flag

_PAIRS = re.compile(r"[A-Za-z_]\w*=\d+(,[A-Za-z_]\w*=\d+)*")


def object_text(value: Mapping[str, object], flag: Flag, release: str) -> str:
    """A mapping as the option's value at a release: JSON, or `key=value` pairs where the release takes those.

    Raises:
        RequestError: where pairs cannot hold the mapping, since they hold whole numbers alone.
    """
    if not flag.takes_pairs_at(release):
        if all(isinstance(each, int | str) for each in value.values()):
            return _json_text(tuple((name, type(each), each) for name, each in value.items()))
        return json.dumps(value, allow_nan=False)
    text = ",".join(f"{key}={each}" for key, each in value.items())
    if not _PAIRS.fullmatch(text):
        raise RequestError(f"found {json.dumps(value)}; vLLM {release} takes pairs of a name and a whole number there")
    return text


@functools.lru_cache(maxsize=256)
def _json_text(items: tuple[tuple[str, type, object], ...]) -> str:
    """Kept, as each plan has the same few; the types keep true and 1 apart."""
    return json.dumps({name: each for name, _, each in items}, allow_nan=False)


def object_of(text: str) -> dict[str, object]:
    """The mapping that either form writes.

    Raises:
        RequestError: for text that is neither.

    Examples:
        >>> object_of('{"image": 4}'), object_of("image=4")
        ({'image': 4}, {'image': 4})
    """
    if _PAIRS.fullmatch(text):
        return {key: int(number) for key, _, number in (pair.partition("=") for pair in text.split(","))}
    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise RequestError(f"found {text[:80]!r}, expected a JSON object")
    return value
