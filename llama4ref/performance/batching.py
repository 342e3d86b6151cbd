"""How many sequences run at once, and what does one generation of them take?

A generation is the time in which every running sequence is computed once from prompt to last token. Prompts and replies
share the GPU: the time of all prompts is added to that of all decode steps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from llama4ref.engine.layout import Layout
from llama4ref.errors import RequestError
from llama4ref.facts.arithmetic.image_tokens import encoded_tiles, image_tokens
from llama4ref.facts.types.accelerators import Accelerator
from llama4ref.performance.calibration import Constants, EngineConstants
from llama4ref.performance.operators import Pass, operators, vision_operators
from llama4ref.performance.roofline import Seconds, Speed, pass_seconds
from llama4ref.performance.stored_model import Shapes, Stored
from llama4ref.performance.workload import Workload
from llama4ref.units import format_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A model on GPUs, serving requests of one kind."""

    shapes: Shapes
    stored: Stored
    layout: Layout
    speed: Speed
    engine: EngineConstants
    cache_bytes: int
    """Bytes of one number of the KV cache."""
    hybrid: bool
    """Whether chunked-local layers keep one chunk only."""
    prompt: int
    """Tokens of one prompt, those of images counted."""
    output: int
    """Tokens of one reply."""
    cached: int
    """Prompt tokens that are in the cache already."""
    tiles: int
    """Image tiles of one prompt."""

    @property
    def tokens(self) -> int:
        """Tokens of one request, prompt and reply."""
        return self.prompt + self.output


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One generation of a batch on one replica."""

    batch: float
    """Sequences of the replica."""
    step: Seconds
    """One decode step of all of them."""
    prompt: Seconds
    """What one prompt adds, computed together with others where several fit in a step."""
    output: int
    """Tokens of one reply."""

    @property
    def seconds(self) -> Seconds:
        """All of it."""
        return self.step * self.output + self.prompt * self.batch


def deploy(
    shapes: Shapes,
    stored: Stored,
    layout: Layout,
    speed: Speed,
    *,
    workload: Workload,
    engine: EngineConstants,
    cache_bytes: int,
    hybrid: bool,
) -> Deployment:
    """The deployment of a workload; `cache_bytes` is the size of one number of the KV cache."""
    image = workload.images * image_tokens(shapes.vision, workload.tiles_per_image)
    return Deployment(
        shapes=shapes,
        stored=stored,
        layout=layout,
        speed=speed,
        engine=engine,
        cache_bytes=cache_bytes,
        hybrid=hybrid,
        prompt=workload.prompt_tokens + image,
        output=workload.output_tokens,
        cached=workload.shared_prefix_tokens,
        tiles=workload.images * encoded_tiles(shapes.vision, workload.tiles_per_image),
    )


def generation(deployment: Deployment, batch: float) -> Generation:
    """One generation of `batch` sequences of one replica.

    With pipeline parallelism the sequences go through the stages in as many groups as there are stages, so that a step of
    all sequences takes as long as one group takes through all stages.
    """
    shapes, engine, stages = deployment.shapes, deployment.engine, deployment.layout.pipeline_parallel
    context = deployment.prompt + (deployment.output + 1) / 2
    decode = Pass.decode(shapes, batch=max(1.0, batch / stages), context=context)
    hybrid = engine.hybrid_seconds if deployment.hybrid else 0.0
    filled = min(1.0, (batch - 1) / (engine.tile_sequences - 1))
    launch = shapes.layers * engine.layer_seconds + filled * shapes.moe_layers * engine.expert_layer_seconds + hybrid
    together = max(1.0, min(batch, engine.chunk_tokens / (deployment.prompt - deployment.cached)))
    prompt = _prompt_seconds(deployment, together) * (1 / together)
    if not engine.mixes_prefill:
        prompt += _prompt_launch(deployment)
    return Generation(
        batch=batch,
        step=with_launches(_seconds(deployment, decode), launch, hiding=engine.launch_hiding),
        prompt=prompt * (1 / min(stages, max(1.0, batch))),
        output=deployment.output,
    )


def with_launches(kernels: Seconds, launch: float, *, hiding: float) -> Seconds:
    """A step of kernels and the latency of launching them, as far as that does not hide under them.

    Examples:
        >>> with_launches(Seconds(memory=4.0), 3.0, hiding=2.0).total, with_launches(Seconds(memory=4.0), 3.0, hiding=1.0).total
        (5.0, 7.0)
    """
    together = (kernels.total**hiding + launch**hiding) ** (1 / hiding)
    return kernels + Seconds(launch=together - kernels.total)


def prompt_alone(deployment: Deployment) -> Seconds:
    """One prompt by itself, from its first token to its last."""
    return _prompt_seconds(deployment, 1.0) + _prompt_launch(deployment)


def _prompt_launch(deployment: Deployment) -> Seconds:
    """Latency of the layers, once for each step that a prompt is cut into."""
    steps = math.ceil((deployment.prompt - deployment.cached) / deployment.engine.chunk_tokens)
    return Seconds(launch=steps * deployment.shapes.layers * deployment.engine.layer_seconds)


def _prompt_seconds(deployment: Deployment, prompts: float) -> Seconds:
    text = _seconds(
        deployment,
        Pass.prefill(deployment.shapes, prompt=deployment.prompt, cached=deployment.cached, prompts=prompts),
    )
    if not deployment.tiles:
        return text
    work = vision_operators(deployment.shapes, deployment.stored, deployment.layout, tiles=prompts * deployment.tiles)
    return text + pass_seconds(work, deployment.speed)


def _seconds(deployment: Deployment, step: Pass) -> Seconds:
    work = operators(
        deployment.shapes, deployment.stored, deployment.layout, step, cache_bytes=deployment.cache_bytes
    )  # fmt: skip
    return pass_seconds(work, deployment.speed)


def room_for_cache(accelerator: Accelerator, weights: int, engine: EngineConstants, constants: Constants) -> float:
    """Bytes of one GPU that are left for the KV cache.

    Raises:
        RequestError: where the weights leave nothing.
    """
    free = accelerator.memory_bytes * engine.utilization - weights
    if free <= 0:
        raise RequestError(
            f"{format_bytes(weights)} of weights on each GPU, but {accelerator.id} has "
            f"{format_bytes(accelerator.memory_bytes)}; use more GPUs or a smaller format"
        )
    return free - min(engine.reserved_bytes, constants.free_kept * free)
