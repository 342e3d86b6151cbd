"""Which container runs a plan, and how does it get at the GPUs?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.errors import FormError
from llama4ref.facts.types.releases import holds_at

if TYPE_CHECKING:
    from llama4ref.facts.types.engines import Engine
    from llama4ref.planning.outcomes import Plan

MODEL_CACHE = "/root/.cache/huggingface"
"""Where the image keeps downloaded checkpoints."""
_RESOURCES = {"cuda": "nvidia.com/gpu", "rocm": "amd.com/gpu"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """An image and its way to the GPUs."""

    image: str
    resource: str
    """Kubernetes' name of one GPU."""
    device_paths: tuple[str, ...]
    """Devices that Docker passes in by path; none where its runtime hands out GPUs."""

    def health_check(self, port: int) -> tuple[str, ...]:
        """A command that fails while the server is not ready; it needs Python alone."""
        question = f"import urllib.request; urllib.request.urlopen('http://127.0.0.1:{port}/health')"
        return ("python3", "-c", question)


def container_of(plan: Plan, engine: Engine) -> Container:
    """The container of a plan's release and hardware.

    Raises:
        FormError: for a plan over several nodes, or for hardware that the engine publishes no image for.
    """
    platform = plan.accelerator.platform
    if plan.nodes > 1:
        raise FormError(
            f"one container holds one node, and the plan spans {plan.nodes}; write it with --as command, one a node"
        )
    image = engine.images.get(platform)
    if image is None or platform not in _RESOURCES or not holds_at(plan.release, since=image.since):
        raise FormError(
            f"{engine.name} {plan.release} is not published as an image for {plan.accelerator.name}; write the plan with --as command"
        )
    return Container(
        image=f"{image.repository}:v{plan.release}",
        resource=_RESOURCES[platform],
        device_paths=("/dev/kfd", "/dev/dri") if platform == "rocm" else (),
    )
