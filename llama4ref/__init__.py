"""Everything to know and decide to run Llama 4: each fact cited, each plan proven.

The public names are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llama4ref.errors import Llama4refError, SpecErrors
    from llama4ref.facts import Catalog, load
    from llama4ref.plan_files import load_plan, save_plan
    from llama4ref.planning import PlanRequest, PlanResult, plan

__version__ = "0.1.0"
__all__ = [
    "Catalog",
    "Llama4refError",
    "PlanRequest",
    "PlanResult",
    "SpecErrors",
    "load",
    "load_plan",
    "plan",
    "save_plan",
]

_HOMES = {
    "Catalog": "llama4ref.facts",
    "load": "llama4ref.facts",
    "load_plan": "llama4ref.plan_files",
    "save_plan": "llama4ref.plan_files",
    "Llama4refError": "llama4ref.errors",
    "SpecErrors": "llama4ref.errors",
    "PlanRequest": "llama4ref.planning",
    "PlanResult": "llama4ref.planning",
    "plan": "llama4ref.planning",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
