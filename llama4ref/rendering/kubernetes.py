"""How is a plan written as a Kubernetes Deployment and Service?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llama4ref.rendering.containers import MODEL_CACHE, container_of
from llama4ref.rendering.server_options import comments, explained, launch_of, own_plan, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llama4ref.facts.types.engines import Engine
    from llama4ref.planning.outcomes import HostedPlan, Plan
    from llama4ref.rendering.containers import Container
    from llama4ref.rendering.server_options import Launch

_LONGEST_NAME = 63
"""Characters of a DNS label."""
_START_SECONDS, _PERIOD_SECONDS = 3600, 10
"""A checkpoint may have to be downloaded first."""


def render_kubernetes(plan: Plan | HostedPlan, engine: Engine) -> str:
    """A manifest with a Deployment of one pod and its Service; reasons as comments.

    Raises:
        ReleaseError: where a setting is unknown to the plan's release of the engine.
        RequestError: for a plan over several nodes, or for hardware that the engine publishes no image for.
    """
    launch, own = launch_of(plan, engine), own_plan(plan)
    name = resource_name(own.checkpoint.id)
    lines = [
        *comments(launch.heading),
        *_deployment(name, launch, container_of(own), own),
        "---",
        *_service(name, launch),
    ]
    return "\n".join(lines) + "\n"


def resource_name(text: str) -> str:
    """A name that Kubernetes takes.

    Examples:
        >>> resource_name("RedHatAI/Llama-4-Scout_FP8")
        'redhatai-llama-4-scout-fp8'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:_LONGEST_NAME].strip("-")


def _deployment(name: str, launch: Launch, container: Container, plan: Plan) -> Iterator[str]:
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
    yield from _arguments(launch)
    yield from _environment(launch)
    gpus = f"{{{quoted(container.resource)}: {quoted(str(plan.count))}}}"
    yield f"          ports: [{{name: http, containerPort: {launch.port}}}]"
    yield f"          resources: {{limits: {gpus}, requests: {gpus}}}"
    yield "          volumeMounts:"
    yield f"            - {{name: model-cache, mountPath: {MODEL_CACHE}}}"
    yield "            - {name: shared-memory, mountPath: /dev/shm}"
    yield f"          startupProbe: {_probe(_START_SECONDS // _PERIOD_SECONDS)}"
    yield f"          readinessProbe: {_probe(1)}"
    yield f"          livenessProbe: {_probe(6)}"
    yield from """\
      volumes:
        # lost with the pod; claim a volume here to keep the checkpoint
        - {name: model-cache, emptyDir: {}}
        # the workers of one server share memory
        - {name: shared-memory, emptyDir: {medium: Memory}}""".splitlines()


def _arguments(launch: Launch) -> Iterator[str]:
    yield "          args:"
    yield f"            - {_literal(launch.model)}"
    for option in launch.options:
        yield from comments(map(explained, option.reasons), indent="            ")
        for word in option.words:
            yield f"            - {_literal(word)}"


def _environment(launch: Launch) -> Iterator[str]:
    yield "          env:"
    yield "            # a token of an account that accepted the licence of the checkpoint, as a secret"
    yield "            - name: HF_TOKEN"
    yield "              valueFrom: {secretKeyRef: {name: huggingface, key: token, optional: true}}"
    for name, value in launch.environment.items():
        yield from comments(map(explained, launch.environment_reasons[name]), indent="            ")
        yield f"            - {{name: {name}, value: {_literal(value)}}}"


def _service(name: str, launch: Launch) -> Iterator[str]:
    yield from f"""\
apiVersion: v1
kind: Service
metadata:
  name: {quoted(name)}
spec:
  selector: {{app: {quoted(name)}}}
  ports: [{{name: http, port: {launch.port}, targetPort: http}}]""".splitlines()


def _probe(failures: int) -> str:
    return f"{{httpGet: {{path: /health, port: http}}, periodSeconds: {_PERIOD_SECONDS}, failureThreshold: {failures}}}"


def _literal(text: str) -> str:
    """Text that Kubernetes does not look for variables in."""
    return quoted(text.replace("$(", "$$("))
