"""How is a plan written as a `vllm serve` command?"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from llama4ref.rendering.plan_comments import comments, explained, heading, own_plan
from llama4ref.rendering.server_command import server_command

if TYPE_CHECKING:
    from llama4ref.facts.types.engines import Engine
    from llama4ref.planning.outcomes import HostedPlan, Plan
    from llama4ref.rendering.server_command import ServerCommand


def render_command(plan: Plan | HostedPlan, engine: Engine) -> str:
    """A command for a POSIX shell, with its reasons as comments above; a setting a line.

    Raises:
        ReleaseError: where a setting is unknown to the plan's release of the engine.
    """
    plan = own_plan(plan)
    command = server_command(plan.config, engine)
    reasons = [
        *(f"{name}: {explained(each)}" for name, group in command.environment_reasons.items() for each in group),
        *(f"--{option.name}: {explained(each)}" for option in command.options for each in option.reasons),
    ]
    lines = [
        *comments(heading(plan, command)),
        *(["#"] if reasons else []),
        *comments(reasons),
        *_commands(command, plan.nodes),
    ]
    return "\n".join(lines) + "\n"


def shell_command(command: ServerCommand, *further: str) -> str:
    """The command alone, over several lines, with further options written as they are."""
    variables = [f"{name}={shlex.quote(value)}" for name, value in command.environment.items()]
    options = (f"  {option}" for option in (*(shlex.join(each.words) for each in command.options), *further))
    return " \\\n".join([*variables, f"vllm serve {shlex.quote(command.model)}", *options])


def _commands(command: ServerCommand, nodes: int) -> list[str]:
    """One command, or one for each node where the release starts them itself."""
    if nodes == 1:
        return [shell_command(command)]
    if not any(option.name == "nnodes" for option in command.options):
        ray = "Join the nodes into one Ray cluster first; then run this on one of them"
        return ["#", *comments([ray]), shell_command(command)]
    lines = ["#", *comments(["HEAD_ADDRESS is the address of node 0, which answers requests"])]
    for rank in range(nodes):
        headless = ("--headless",) if rank else ()
        lines += [
            *comments([f"On node {rank}:"]),
            shell_command(command, f"--node-rank {rank}", '--master-addr "$HEAD_ADDRESS"', *headless),
        ]
    return lines
