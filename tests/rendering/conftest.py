"""Plans to render."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from llama4ref.engine.engine_config import Reason
from llama4ref.planning.planner import plan
from llama4ref.planning.request import PlanRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from llama4ref.engine.engine_config import Setting
    from llama4ref.facts import Catalog
    from llama4ref.facts.types.engines import Engine
    from llama4ref.planning.outcomes import Plan

REQUESTS = {
    "scout-1m-8xh100": PlanRequest(model="scout", gpu="h100-sxm", count=8, context="1M", engine_release="0.32.0"),
    "maverick-images-tools-8xh200": PlanRequest(
        model="maverick",
        gpu="h200-sxm",
        count=8,
        context=430_000,
        images=4,
        tools=True,
        concurrency=16,
        engine_release="0.32.0",
    ),
    "scout-hybrid-opt-in-0.13": PlanRequest(
        model="scout", gpu="h200-sxm", count=8, context="1M", hybrid=True, engine_release="0.13.0"
    ),
    "scout-mi300x-no-hybrid": PlanRequest(
        model="scout", gpu="mi300x", count=8, context=131_072, hybrid=False, engine_release="0.32.0"
    ),
    "scout-2-nodes": PlanRequest(
        model="scout", gpu="h100-sxm", count=16, nodes=2, context="1M", engine_release="0.32.0"
    ),
}


@pytest.fixture(scope="session")
def plans(catalog: Catalog) -> dict[str, Plan]:
    """A few plans by name."""
    return {name: plan(request, catalog).best for name, request in REQUESTS.items()}


@pytest.fixture(scope="session")
def reviewed(plans: dict[str, Plan]) -> dict[str, Plan]:
    """The same plans with figures and reasons of our own, which do not change when an estimate does."""
    return {name: _with_fixed_words(each) for name, each in plans.items()}


def _with_fixed_words(plan: Plan) -> Plan:
    words = [*plan.settings, *plan.environment]
    return dataclasses.replace(
        plan,
        max_concurrency=4.5,
        config=dataclasses.replace(
            plan.config,
            reasons=tuple(
                Reason(
                    about=name,
                    value=str(plan.settings.get(name, plan.environment.get(name))),
                    because=f"the reason for {name}, with its rule and its numbers, which may take more than one line of a comment",
                    source="vllm-0.32.0" if index % 2 else None,
                )
                for index, name in enumerate(words)
            ),
        ),
        caveats=(
            Reason(about="quality", value="beyond 262,144 tokens", because="not trained", source="llama4-launch-blog"),
        ),
    )


@pytest.fixture(scope="session")
def vllm_facts(catalog: Catalog) -> Engine:
    """What is known of vLLM."""
    return catalog.engine("vllm")


@pytest.fixture(scope="session")
def with_settings(plans: dict[str, Plan]) -> Callable[..., Plan]:
    """Makes a plan with settings of one's own, for a release."""

    def make(
        settings: dict[str, Setting], *, release: str = "0.32.0", environment: dict[str, str] | None = None
    ) -> Plan:
        plan = plans["scout-1m-8xh100"]
        config = dataclasses.replace(
            plan.config,
            settings={"model": plan.settings["model"], **settings},
            release=release,
            environment=environment or {},
            reasons=(),
        )
        return dataclasses.replace(plan, config=config)

    return make
