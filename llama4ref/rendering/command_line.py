"""How is a plan written as a `vllm serve` command?"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from llama4ref.rendering.server_options import comments, explained, launch_of, own_plan

if TYPE_CHECKING:
    from llama4ref.facts.types.engines import Engine
    from llama4ref.planning.outcomes import HostedPlan, Plan
    from llama4ref.rendering.server_options import Launch


def render_command(plan: Plan | HostedPlan, engine: Engine) -> str:
    """A command for a POSIX shell, with its reasons as comments above; a setting a line.

    Raises:
        ReleaseError: where a setting is unknown to the plan's release of the engine.
    """
    launch = launch_of(plan, engine)
    reasons = [
        *(f"{name}: {explained(each)}" for name, group in launch.environment_reasons.items() for each in group),
        *(f"--{option.name}: {explained(each)}" for option in launch.options for each in option.reasons),
    ]
    lines = [
        *comments(launch.heading),
        *(["#"] if reasons else []),
        *comments(reasons),
        *_commands(launch, own_plan(plan).nodes),
    ]
    return "\n".join(lines) + "\n"


def shell_command(launch: Launch, *further: str) -> str:
    """The command alone, over several lines, with further options written as they are."""
    variables = [f"{name}={shlex.quote(value)}" for name, value in launch.environment.items()]
    options = (f"  {option}" for option in (*(each.shell for each in launch.options), *further))
    return " \\\n".join([*variables, f"vllm serve {shlex.quote(launch.model)}", *options])


def _commands(launch: Launch, nodes: int) -> list[str]:
    """One command, or one for each node where the release starts them itself."""
    if nodes == 1:
        return [shell_command(launch)]
    if not any(option.name == "nnodes" for option in launch.options):
        ray = "Join the nodes into one Ray cluster first; then run this on one of them"
        return ["#", *comments([ray]), shell_command(launch)]
    lines = ["#", *comments(["HEAD_ADDRESS is the address of node 0, which answers requests"])]
    for rank in range(nodes):
        headless = ("--headless",) if rank else ()
        lines += [
            *comments([f"On node {rank}:"]),
            shell_command(launch, f"--node-rank {rank}", '--master-addr "$HEAD_ADDRESS"', *headless),
        ]
    return lines
