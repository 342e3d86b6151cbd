"""Everything to know and decide to run Llama 4: each fact cited, each plan proven.

The public names are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.errors import (
        Fault,
        FormError,
        LaunchError,
        Llama4refError,
        MissingExtraError,
        OutputError,
        PortInUseError,
        ProbeError,
        ProofError,
        ReleaseError,
        RequestError,
        SettingError,
        SpecErrors,
        UnknownFactError,
        UnknownNameError,
        WatchError,
    )
    from llama4ref.facts import Catalog, load
    from llama4ref.facts.types.states import UNKNOWN
    from llama4ref.plan_files import load_plan, save_plan
    from llama4ref.planning import HostedPlan, Plan, PlanRequest, PlanResult, Reason, Refusal, SizedPlan, plan
    from llama4ref.rendering import render

__version__ = "0.1.0"
__all__ = [
    "UNKNOWN",
    "Catalog",
    "EngineConfig",
    "Fault",
    "FormError",
    "HostedPlan",
    "LaunchError",
    "Llama4refError",
    "MissingExtraError",
    "OutputError",
    "Plan",
    "PlanRequest",
    "PlanResult",
    "PortInUseError",
    "ProbeError",
    "ProofError",
    "Reason",
    "Refusal",
    "ReleaseError",
    "RequestError",
    "SettingError",
    "SizedPlan",
    "SpecErrors",
    "UnknownFactError",
    "UnknownNameError",
    "WatchError",
    "load",
    "load_plan",
    "plan",
    "render",
    "save_plan",
]

_MODULES = {
    "llama4ref.engine.engine_config": ("EngineConfig",),
    "llama4ref.facts": ("Catalog", "load"),
    "llama4ref.facts.types.states": ("UNKNOWN",),
    "llama4ref.plan_files": ("load_plan", "save_plan"),
    "llama4ref.planning": ("HostedPlan", "Plan", "PlanRequest", "PlanResult", "Reason", "Refusal", "SizedPlan", "plan"),
    "llama4ref.rendering": ("render",),
}
"""Where a public name is defined; the others are errors."""
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_MODULE_OF.get(name, "llama4ref.errors")), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
