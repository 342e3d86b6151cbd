"""What the specs say of an engine, field by field, in the form in which releases are read."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from llama4ref.facts.types.releases import holds_at, step_at
from llama4ref.facts.types.states import is_stated
from llama4ref.units import GIB
from llama4ref.watching.vllm_batch_limits import DEVICES, LIMITS, Device, path_of
from llama4ref.watching.vllm_options import LISTING

if TYPE_CHECKING:
    from llama4ref.facts.types.abilities import AbilitySet
    from llama4ref.facts.types.engines import Engine, Flag, Method
    from llama4ref.facts.types.states import Unknown


@dataclass(frozen=True, slots=True)
class Stated:
    """One field of the specs that a reading settles."""

    path: str
    """Field, such as `flags.max-loras` for since when until when there is one."""
    leaves: tuple[str, ...]
    """Fields inside it that are derived."""
    at: Callable[[str], object]
    """What the specs say at a release."""
    written: str
    """What the specs say, in words."""
    only: str | None = None
    """The one release that it is about; none for all."""


def stated(engine: Engine, abilities: AbilitySet | None) -> Iterator[Stated]:
    """Every field of an engine that a reading may settle."""
    newest = engine.newest_release if is_stated(engine.newest_release) else None
    for name, flag in engine.flags.items():
        yield from _flag(f"flags.{name}", flag, newest)
    for name, variable in engine.environment.items():
        yield _span(f"environment.{name}", variable.since, variable.until)
        if variable.until is None:
            yield _at_newest(f"environment.{name}.default", variable.default, newest)
    for name, method in engine.methods.items():
        yield from _method(f"methods.{name}", method, newest)
    yield from _behaviours(engine)
    yield from _batch_limits(engine)
    for name, row in abilities.abilities.items() if abilities else ():
        yield _span(f"abilities.{name}", row.since, row.until)


def _flag(path: str, flag: Flag, newest: str | None) -> Iterator[Stated]:
    yield _span(path, flag.since, flag.until)
    if flag.until is None and flag.takes != "json":
        yield _at_newest(f"{path}.default", flag.default, newest)
    for value, since in flag.values.items():
        yield _span(f"{path}.values.{value}", since, None, leaves=("",))
    if flag.json_since is not None:
        yield _span(f"{path}.json_since", flag.json_since, None, leaves=("",))


def _method(path: str, method: Method, newest: str | None) -> Iterator[Stated]:
    yield _span(path, method.since, method.until)
    if method.until is None and is_stated(method.min_capability):
        yield _at_newest(f"{path}.min_capability", method.min_capability, newest)
    if method.until is None and is_stated(method.platforms):
        for platform in LISTING:
            one = _at_newest(f"{path}.platforms.{platform}", platform in method.platforms, newest)
            yield replace(one, leaves=(f"{path}.platforms",))


def _span(path: str, since: str | Unknown, until: str | None, leaves: tuple[str, ...] = (".since", ".until")) -> Stated:
    return Stated(
        path=path,
        leaves=tuple(path + leaf for leaf in leaves),
        at=lambda release: holds_at(release, since=since, until=until),
        written=f"since {since}" + (f" until {until}" if until else ""),
    )


def _at_newest(path: str, value: object, newest: str | None) -> Stated:
    return Stated(path=path, leaves=(path,), at=lambda _: value, written=f"{value!r}", only=newest)


def _batch_limits(engine: Engine) -> Iterator[Stated]:
    for flag in sorted({row.flag for row in engine.hardware_defaults} & set(LIMITS)):
        for device in DEVICES:
            at = functools.partial(_limit, engine, flag, device)
            yield Stated(
                path=path_of(flag, device), leaves=(path_of(flag, device),), at=at, written=_by_release(engine, at)
            )


def _limit(engine: Engine, flag: str, device: Device, release: str) -> int | None:
    return engine.default_on(
        flag, platform=device.platform, memory_bytes=device.gib * GIB, device=device.name, release=release
    )


def _by_release(engine: Engine, at: Callable[[str], object]) -> str:
    """What holds, as spans of releases."""
    spans: list[str] = []
    last: object = None
    for release in engine.releases:
        if (value := at(release)) != last:
            spans.append(f"{value} since {release}")
            last = value
    return ", ".join(spans)


def _behaviours(engine: Engine) -> Iterator[Stated]:
    for name in type(engine.behaviours).__dataclass_fields__ if engine.behaviours else ():
        steps = getattr(engine.behaviours, name)

        def at(release: str, steps: Sequence[object] = steps) -> object:
            step = step_at(steps, release)  # type: ignore[type-var]  # steps of one field are of one kind
            return getattr(step, "holds", None)

        leaves = tuple(
            f"behaviours.{name}.{place}.{leaf}" for place in range(len(steps)) for leaf in ("since", "holds")
        )
        written = ", ".join(f"{step.holds} since {step.since}" for step in steps)
        yield Stated(path=f"behaviours.{name}", leaves=leaves, at=at, written=written)


__all__ = ["Stated", "stated"]
