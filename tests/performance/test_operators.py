"""The work of a pass, against figures that others derived from the published shapes."""

from __future__ import annotations

import dataclasses

import pytest

from llama4ref.engine.layout import Layout
from llama4ref.performance.operators import (
    ACTIVATION_BYTES,
    Pass,
    distinct_experts,
    operators,
    vision_operators,
    within_chunks,
)
from llama4ref.performance.stored_model import shapes_of

ACTIVE_MATRICES = {"scout": 16_138_408_960 - 496_640, "maverick": 16_150_205_440 - 496_640}
"""Active text parameters without the embedding and the norms, counted on transformers' modules on the meta device."""
TEXT_MATRICES = {
    "scout": 107_769_861_120 - 1_034_485_760 - 496_640,
    "maverick": 400_711_848_960 - 1_034_485_760 - 496_640,
}
"""All text parameters without the embedding and the norms."""
ALONE = Layout()


def total(work, field):
    """Sum of a field over operators."""
    return sum(getattr(operator, field) for operator in work)


def named(work, name):
    """The operator of a name."""
    (found,) = (operator for operator in work if operator.name == name)
    return found


@pytest.mark.parametrize("model", ["scout", "maverick"])
def test_one_token_multiplies_every_active_parameter_once(catalog, plain, model):
    """Two operations for each active parameter, attention over the cache not counted."""
    shapes = shapes_of(catalog.model(model))
    work = operators(shapes, plain, ALONE, Pass.decode(shapes, batch=1, context=1), cache_bytes=2)
    multiplied = total(work, "operations") - named(work, "attention").operations

    assert multiplied == 2 * ACTIVE_MATRICES[model]


@pytest.mark.parametrize("model", ["scout", "maverick"])
def test_one_token_reads_the_active_weights_and_a_crowd_reads_all(catalog, plain, model):
    """At batch one an expert of each layer is read, at a huge batch every expert."""
    shapes = shapes_of(catalog.model(model))
    one = operators(shapes, plain, ALONE, Pass.decode(shapes, batch=1, context=1), cache_bytes=2)
    crowd = operators(shapes, plain, ALONE, Pass.decode(shapes, batch=100_000, context=1), cache_bytes=2)

    assert total(one, "weight_bytes") == pytest.approx(2 * ACTIVE_MATRICES[model], rel=1e-12)
    assert total(crowd, "weight_bytes") == pytest.approx(2 * TEXT_MATRICES[model], rel=1e-12)


@pytest.mark.parametrize(
    ("experts", "tokens", "expected"),
    [(16, 8, 6.5), (16, 16, 10.3), (16, 64, 15.7), (128, 16, 15.1), (128, 64, 50.5), (128, 256, 110.8)],
)
def test_distinct_experts_follow_the_occupancy_of_boxes(experts, tokens, expected):
    """Figures worked out by hand for uniform top-1 routing."""
    assert distinct_experts(experts, tokens) == pytest.approx(expected, abs=0.05)


def test_decode_reads_the_published_bytes_of_cache(scout_shapes, plain):
    """196,608 bytes a token in bfloat16 inside the first chunk, the new token's own write counted."""
    work = operators(scout_shapes, plain, ALONE, Pass.decode(scout_shapes, batch=1, context=5000), cache_bytes=2)

    assert named(work, "attention").cache_bytes == 196_608 * 5001


def test_local_layers_read_at_most_one_chunk(scout_shapes, plain):
    """131,072 tokens are 7.65 GB where 36 layers keep 8,192 tokens, not 25.8 GB."""
    work = operators(scout_shapes, plain, ALONE, Pass.decode(scout_shapes, batch=1, context=131_072), cache_bytes=2)

    assert named(work, "attention").cache_bytes / 1e9 == pytest.approx(7.65, abs=0.005)


@pytest.mark.parametrize(("tokens", "cached"), [(5, 0), (8, 0), (9, 0), (30, 0), (30, 7), (30, 8), (30, 21)])
def test_prefill_attends_as_the_mask_says(scout_shapes, tokens, cached):
    """Pairs counted one by one: causal, and in local layers inside the same chunk."""
    chunk = 8
    shapes = dataclasses.replace(scout_shapes, chunk=chunk)
    step = Pass.prefill(shapes, prompt=tokens, cached=cached)
    pairs = [(query, key) for query in range(cached, tokens) for key in range(query + 1)]
    near = [pair for pair in pairs if pair[0] // chunk == pair[1] // chunk]

    assert step.attended_global == len(pairs)
    assert step.attended_local == len(near)
    assert step.tokens == tokens - cached
    assert step.read_local == len({key for _, key in near})


def test_whole_chunks_add_up():
    """Two chunks attend to twice as much as one."""
    assert within_chunks(16_384, 8192) == 2 * within_chunks(8192, 8192)


@pytest.mark.parametrize("size", [2, 4, 8])
def test_tensor_parallel_ranks_share_the_work(scout_shapes, plain, size):
    """Operations of all ranks are those of one GPU, but for the router, which every rank computes whole."""
    step = Pass.decode(scout_shapes, batch=32, context=4000)
    alone = operators(scout_shapes, plain, ALONE, step, cache_bytes=2)
    rank = operators(scout_shapes, plain, Layout(tensor_parallel=size), step, cache_bytes=2)
    router = named(alone, "router").operations

    assert size * (total(rank, "operations") - router) == pytest.approx(total(alone, "operations") - router)
    assert total(alone, "link_bytes") == 0
    assert sum(operator.collectives for operator in rank) == 2 * scout_shapes.layers + 1


def test_an_all_reduce_sends_what_a_ring_sends(scout_shapes, plain):
    """Seven quarters of the residual stream leave each of eight ranks, once after attention and once after experts."""
    step = Pass.decode(scout_shapes, batch=10, context=100)
    work = operators(scout_shapes, plain, Layout(tensor_parallel=8), step, cache_bytes=2)
    stream = 48 * 10 * 5120 * ACTIVATION_BYTES

    assert named(work, "attention all-reduce").link_bytes == 1.75 * stream
    assert named(work, "feed-forward all-reduce").link_bytes == 1.75 * stream


def test_expert_parallel_ranks_share_experts_and_repeat_attention(scout_shapes, plain):
    """Under data parallelism each replica attends on its own, and all share the experts."""
    layout = Layout(data_parallel=8, expert_parallel=True)
    step = Pass.decode(scout_shapes, batch=4, context=1000)
    rank = operators(scout_shapes, plain, layout, step, cache_bytes=2)
    together = operators(scout_shapes, plain, ALONE, Pass.decode(scout_shapes, batch=32, context=1000), cache_bytes=2)

    assert 8 * named(rank, "routed experts").operations == named(together, "routed experts").operations
    assert 8 * named(rank, "routed experts").weight_bytes == pytest.approx(
        named(together, "routed experts").weight_bytes
    )
    assert 8 * named(rank, "attention").cache_bytes == named(together, "attention").cache_bytes
    assert named(rank, "experts all-gather and reduce-scatter").link_bytes == 2 * 48 * 28 * 5120 * ACTIVATION_BYTES


def test_pipeline_stages_pass_the_residual_stream_on(scout_shapes, plain):
    """Three hops between four stages."""
    step = Pass.decode(scout_shapes, batch=6, context=100)
    work = operators(scout_shapes, plain, Layout(pipeline_parallel=4), step, cache_bytes=2)

    assert named(work, "pipeline hops").link_bytes == 3 * 6 * 5120 * ACTIVATION_BYTES


def test_a_tile_multiplies_every_parameter_of_the_tower(scout_shapes, plain):
    """577 positions meet the 850,960,896 parameters of the tower and its adapter, and 144 tokens the projector."""
    work = vision_operators(scout_shapes, plain, ALONE, tiles=1)
    multiplied = total(work, "operations") - named(work, "vision attention").operations

    assert multiplied == 2 * (577 * (811_115_008 + 39_845_888) + 144 * 20_971_520)


def test_replicated_towers_share_the_tiles_out(scout_shapes, plain):
    """Split or replicated, the ranks together compute the same."""
    split = vision_operators(scout_shapes, plain, Layout(tensor_parallel=8), tiles=8)
    whole = vision_operators(scout_shapes, plain, Layout(tensor_parallel=8, vision_replicated=True), tiles=8)

    assert named(split, "vision tower").operations == named(whole, "vision tower").operations
    assert named(split, "vision tower").weight_bytes * 8 == named(whole, "vision tower").weight_bytes


def test_experts_that_replicas_share_are_gathered_and_scattered_in_every_layer(scout_shapes, plain):
    """All 48 layers of Scout have experts: an all-gather before and a reduce-scatter after each."""
    layout = Layout(data_parallel=8, expert_parallel=True)
    step = Pass.decode(scout_shapes, batch=4, context=1000)
    (exchange,) = [
        each for each in operators(scout_shapes, plain, layout, step, cache_bytes=2) if "all-gather" in each.name
    ]

    assert exchange.collectives == 2 * 48
    assert exchange.link_bytes == 2 * 48 * (8 * 4 - 4) * 5120 * 2
