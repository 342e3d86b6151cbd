"""How is a plan written as a file for `vllm serve --config`?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.rendering.plan_comments import comment, comments, explained, heading, own_plan, quoted
from llama4ref.rendering.server_command import MODEL, server_command

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llama4ref.facts.types.engines import Engine
    from llama4ref.planning.outcomes import HostedPlan, Plan
    from llama4ref.rendering.server_command import Option


def render_config(plan: Plan | HostedPlan, engine: Engine) -> str:
    """A YAML file with a comment of reasons above each option.

    A switch turned off is written `no-<name>: true`, since releases differ in what they make of `<name>: false`; a JSON value
    is text, which every release reads.

    Raises:
        ReleaseError: where a setting is unknown to the plan's release of the engine.
    """
    plan = own_plan(plan)
    command = server_command(plan.config, engine)
    lines = [*comments(heading(plan, command)), *_variables(command.environment), f"{MODEL}: {quoted(command.model)}"]
    for option in command.options:
        lines += comments(explained(reason) for reason in option.reasons)
        lines.append(f"{option.name}: {_scalar(option)}")
    return "\n".join(lines) + "\n"


def _variables(environment: Mapping[str, str]) -> Iterator[str]:
    if environment:
        names = ", ".join(f"{name}={value}" for name, value in environment.items())
        yield comment(f"Set in the environment as well, which this file cannot: {names}")


def _scalar(option: Option) -> str:
    if option.value is None:
        return "true"
    if option.is_number:
        return option.value
    return "'" + option.value.replace("'", "''") + "'" if option.is_json else quoted(option.value)
