"""How is a plan written as a file for `vllm serve --config`?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.rendering.server_options import MODEL, comment, comments, explained, launch_of, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llama4ref.facts.types.engines import Engine
    from llama4ref.planning.outcomes import HostedPlan, Plan
    from llama4ref.rendering.server_options import Option


def render_config(plan: Plan | HostedPlan, engine: Engine) -> str:
    """A YAML file with a comment of reasons above each option.

    A switch turned off is written `no-<name>: true`, since releases differ in what they make of `<name>: false`; a JSON value
    is text, which every release reads.

    Raises:
        ReleaseError: where a setting is unknown to the plan's release of the engine.
    """
    launch = launch_of(plan, engine)
    lines = [*comments(launch.heading), *_variables(launch.environment), f"{MODEL}: {quoted(launch.model)}"]
    for option in launch.options:
        lines += comments(explained(reason) for reason in option.reasons)
        lines.append(f"{option.name}: {_scalar(option)}")
    return "\n".join(lines) + "\n"


def _variables(environment: object) -> Iterator[str]:
    if isinstance(environment, dict) and environment:
        names = ", ".join(f"{name}={value}" for name, value in environment.items())
        yield comment(f"Set in the environment as well, which this file cannot: {names}")


def _scalar(option: Option) -> str:
    if option.value is None:
        return "true"
    if option.is_number:
        return option.value
    return "'" + option.value.replace("'", "''") + "'" if option.is_json else quoted(option.value)
