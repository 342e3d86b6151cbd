"""How is a plan's environment written as a file that Docker and systemd read?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.errors import FormError
from llama4ref.rendering.plan_comments import comments, explained, heading, own_plan
from llama4ref.rendering.server_command import server_command

if TYPE_CHECKING:
    from llama4ref.facts.types.engines import Engine
    from llama4ref.planning.outcomes import HostedPlan, Plan


def render_environment(plan: Plan | HostedPlan, engine: Engine) -> str:
    """Lines of `NAME=value`, unquoted, with reasons as comments; comments alone where the plan sets no variable.

    Raises:
        ReleaseError: where a variable is not read by the plan's release of the engine.
        FormError: where a value holds a line break, which such files cannot.
    """
    plan = own_plan(plan)
    command = server_command(plan.config, engine)
    lines = comments(heading(plan, command)[:2])
    for name, value in command.environment.items():
        if "\n" in value:
            raise FormError(f"{name}: an environment file holds no line breaks; set it in the shell")
        lines += [*comments(map(explained, command.environment_reasons[name])), f"{name}={value}"]
    if not command.environment:
        lines += comments(["This plan sets no environment variable"])
    return "\n".join(lines) + "\n"
