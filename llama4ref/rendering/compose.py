"""How is a plan written as a Docker Compose file?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.rendering.containers import MODEL_CACHE, container_of
from llama4ref.rendering.plan_comments import comments, explained, heading, own_plan, quoted
from llama4ref.rendering.server_command import server_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llama4ref.facts.types.engines import Engine
    from llama4ref.planning.outcomes import HostedPlan, Plan
    from llama4ref.rendering.containers import Container
    from llama4ref.rendering.server_command import ServerCommand

LOOPBACK = "127.0.0.1"


def render_compose(plan: Plan | HostedPlan, engine: Engine) -> str:
    """A Compose file with one service, its reasons as comments.

    Raises:
        ReleaseError: where a setting is unknown to the plan's release of the engine.
        FormError: for a plan over several nodes, or for hardware that the engine publishes no image for.
    """
    plan = own_plan(plan)
    command = server_command(plan.config, engine)
    lines = [*comments(heading(plan, command)), *_service(command, container_of(plan, engine), plan)]
    return "\n".join(lines) + "\n"


def _service(command: ServerCommand, container: Container, plan: Plan) -> Iterator[str]:
    yield "services:"
    yield "  vllm:"
    yield f"    image: {quoted(container.image)}"
    yield '    entrypoint: ["vllm", "serve"]'
    yield "    command:"
    yield f"      - {_literal(command.model)}"
    for option in command.options:
        yield from comments(map(explained, option.reasons), indent="      ")
        for word in option.words:
            yield f"      - {_literal(word)}"
    yield "    environment:"
    yield "      # a token of an account that accepted the licence of the checkpoint"
    yield '      HF_TOKEN: "${HF_TOKEN:-}"'
    for name, value in command.environment.items():
        yield from comments(map(explained, command.environment_reasons[name]), indent="      ")
        yield f"      {name}: {_literal(value)}"
    yield "    # this machine alone; whoever reaches the port may use the server, so put a key or a proxy before opening it"
    yield f'    ports: ["{LOOPBACK}:{command.port}:{command.port}"]'
    yield "    # the workers of one server share memory"
    yield "    ipc: host"
    yield f"    volumes: [{quoted(f'model-cache:{MODEL_CACHE}')}]"
    yield from _devices(container, plan)
    yield "    healthcheck:"
    yield f"      test: [{', '.join(map(_literal, ('CMD', *container.health_check(command.port))))}]"
    yield "      interval: 10s"
    yield "      timeout: 10s"
    yield "      retries: 6"
    yield "      start_period: 60m"
    yield "    restart: unless-stopped"
    yield "volumes:"
    yield "  model-cache: {}"


def _devices(container: Container, plan: Plan) -> Iterator[str]:
    if container.device_paths:
        yield f"    devices: [{', '.join(map(quoted, container.device_paths))}]"
        yield '    group_add: ["video"]'
        yield '    cap_add: ["SYS_PTRACE"]'
        yield '    security_opt: ["seccomp=unconfined"]'
        return
    yield "    deploy:"
    yield "      resources:"
    yield "        reservations:"
    yield "          devices:"
    yield f"            - {{driver: nvidia, count: {plan.count}, capabilities: [gpu]}}"


def _literal(text: str) -> str:
    """Text that Compose does not look for variables in."""
    return quoted(text.replace("$", "$$"))
