"""How is a plan written as a Kubernetes Deployment and Service?"""

from __future__ import annotations

import re
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

_LONGEST_NAME = 63
"""Characters of a DNS label."""
_PERIOD_SECONDS = 10
_START_FAILURES = 360
"""An hour: a checkpoint may have to be downloaded first."""
_READY_FAILURES, _LIVE_FAILURES = 3, 6
"""A busy server answers late: one slow answer must neither take it out of service nor restart it."""


def render_kubernetes(plan: Plan | HostedPlan, engine: Engine) -> str:
    """A manifest with a Deployment of one pod and its Service; reasons as comments.

    Raises:
        ReleaseError: where a setting is unknown to the plan's release of the engine.
        FormError: for a plan over several nodes, or for hardware that the engine publishes no image for.
    """
    plan = own_plan(plan)
    command = server_command(plan.config, engine)
    name = resource_name(plan.checkpoint.id)
    lines = [
        *comments(heading(plan, command)),
        *_deployment(name, command, container_of(plan, engine), plan),
        "---",
        *_service(name, command),
    ]
    return "\n".join(lines) + "\n"


def resource_name(text: str) -> str:
    """A name that Kubernetes takes.

    Examples:
        >>> resource_name("RedHatAI/Llama-4-Scout_FP8")
        'redhatai-llama-4-scout-fp8'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:_LONGEST_NAME].strip("-")


def _deployment(name: str, command: ServerCommand, container: Container, plan: Plan) -> Iterator[str]:
    yield from f"""\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {quoted(name)}
spec:
  replicas: 1
  # two versions of it would not find GPUs at once
  strategy: {{type: Recreate}}
  selector:
    matchLabels: {{app: {quoted(name)}}}
  template:
    metadata:
      labels: {{app: {quoted(name)}}}
    spec:
      containers:
        - name: vllm
          image: {quoted(container.image)}
          command: ["vllm", "serve"]""".splitlines()
    yield from _arguments(command)
    yield from _environment(command)
    gpus = f"{{{quoted(container.resource)}: {quoted(str(plan.count))}}}"
    yield f"          ports: [{{name: http, containerPort: {command.port}}}]"
    yield f"          resources: {{limits: {gpus}, requests: {gpus}}}"
    yield "          volumeMounts:"
    yield f"            - {{name: model-cache, mountPath: {MODEL_CACHE}}}"
    yield "            - {name: shared-memory, mountPath: /dev/shm}"
    yield f"          startupProbe: {_probe(_START_FAILURES)}"
    yield f"          readinessProbe: {_probe(_READY_FAILURES)}"
    yield f"          livenessProbe: {_probe(_LIVE_FAILURES)}"
    yield from """\
      volumes:
        # lost with the pod; claim a volume here to keep the checkpoint
        - {name: model-cache, emptyDir: {}}
        # the workers of one server share memory
        - {name: shared-memory, emptyDir: {medium: Memory}}""".splitlines()


def _arguments(command: ServerCommand) -> Iterator[str]:
    yield "          args:"
    yield f"            - {_literal(command.model)}"
    for option in command.options:
        yield from comments(map(explained, option.reasons), indent="            ")
        for word in option.words:
            yield f"            - {_literal(word)}"


def _environment(command: ServerCommand) -> Iterator[str]:
    yield "          env:"
    yield "            # a token of an account that accepted the licence of the checkpoint, as a secret"
    yield "            - name: HF_TOKEN"
    yield "              valueFrom: {secretKeyRef: {name: huggingface, key: token, optional: true}}"
    for name, value in command.environment.items():
        yield from comments(map(explained, command.environment_reasons[name]), indent="            ")
        yield f"            - {{name: {name}, value: {_literal(value)}}}"


def _service(name: str, command: ServerCommand) -> Iterator[str]:
    yield from f"""\
apiVersion: v1
kind: Service
metadata:
  name: {quoted(name)}
spec:
  selector: {{app: {quoted(name)}}}
  ports: [{{name: http, port: {command.port}, targetPort: http}}]""".splitlines()


def _probe(failures: int) -> str:
    times = f"periodSeconds: {_PERIOD_SECONDS}, timeoutSeconds: {_PERIOD_SECONDS}"
    return f"{{httpGet: {{path: /health, port: http}}, {times}, failureThreshold: {failures}}}"


def _literal(text: str) -> str:
    """Text that Kubernetes does not look for variables in."""
    return quoted(text.replace("$", "$$"))
