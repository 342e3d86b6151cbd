"""How is a plan's environment written as a file that Docker and systemd read?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.errors import RequestError
from llama4ref.rendering.server_options import comments, explained, launch_of

if TYPE_CHECKING:
    from llama4ref.facts.types.engines import Engine
    from llama4ref.planning.outcomes import HostedPlan, Plan


def render_environment(plan: Plan | HostedPlan, engine: Engine) -> str:
    """Lines of `NAME=value`, unquoted, with reasons as comments; comments alone where the plan sets no variable.

    Raises:
        ReleaseError: where a variable is not read by the plan's release of the engine.
        RequestError: where a value holds a line break, which such files cannot.
    """
    launch = launch_of(plan, engine)
    lines = comments(launch.heading[:2])
    for name, value in launch.environment.items():
        if "\n" in value:
            raise RequestError(f"{name}: an environment file holds no line breaks; set it in the shell")
        lines += [*comments(map(explained, launch.environment_reasons[name])), f"{name}={value}"]
    if not launch.environment:
        lines += comments(["This plan sets no environment variable"])
    return "\n".join(lines) + "\n"
