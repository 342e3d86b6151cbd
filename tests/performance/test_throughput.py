"""Estimates behave as physics does, and come near what was observed."""

from __future__ import annotations

import dataclasses
import itertools
import math

import pytest

from llama4ref import PlanRequest, plan
from llama4ref.engine.layout import Layout
from llama4ref.errors import RequestError, UnknownNameError
from llama4ref.performance import Workload, estimate

TP8 = Layout(tensor_parallel=8)
CHAT = Workload(prompt_tokens=1000, output_tokens=500, concurrency=32)


@pytest.fixture
def speed(scout, h100, catalog):
    """Estimates of Scout in bfloat16 on eight H100, with one thing changed."""

    def estimated(workload=CHAT, *, accelerator=h100, layout=TP8, model=scout, **options):
        return estimate(model, None, accelerator, layout, workload, catalog=catalog, **options)

    return estimated


def rising(values):
    """Whether no value is below the one before."""
    return all(later >= earlier for earlier, later in itertools.pairwise(values))


@pytest.mark.parametrize("field", ["bandwidth", "link_bandwidth"])
def test_more_bandwidth_is_never_slower(speed, h100, field):
    """Of memory or of the link, for one request and for many."""
    faster = [dataclasses.replace(h100, **{field: getattr(h100, field) * factor}) for factor in (0.5, 1, 2, 8)]

    for concurrency in (1, 32, None):
        workload = dataclasses.replace(CHAT, concurrency=concurrency)
        assert rising([speed(workload, accelerator=each).output_throughput.value for each in faster])


def test_more_compute_is_never_slower(speed, h100):
    """A faster matrix unit shortens prompts."""
    peaks = [dataclasses.replace(h100.measured, bf16=h100.measured.bf16 * factor) for factor in (0.25, 0.5, 1.0)]
    first = [speed(accelerator=dataclasses.replace(h100, measured=peak)).ttft_seconds.value for peak in peaks]

    assert rising([-seconds for seconds in first])


@pytest.mark.parametrize("concurrency", [1, 8, 64])
def test_a_longer_context_never_decodes_faster(speed, concurrency):
    """Across the chunk boundary as well, where local layers start anew."""
    lengths = [100, 1000, 8000, 8192, 9000, 16_384, 30_000, 100_000, 400_000]
    gaps = [
        speed(Workload(prompt_tokens=n, output_tokens=100, concurrency=concurrency)).itl_seconds.value for n in lengths
    ]

    assert rising(gaps)


def test_a_longer_prompt_never_starts_sooner(speed):
    """The first token waits for the prompt."""
    lengths = [100, 1000, 8000, 8192, 9000, 16_384, 30_000, 100_000, 400_000]

    assert rising([speed(Workload(prompt_tokens=n, output_tokens=100)).ttft_seconds.value for n in lengths])


@pytest.mark.parametrize("engine", ["vllm", "sglang", "tensorrt-llm"])
@pytest.mark.parametrize(
    "layout",
    [TP8, Layout(tensor_parallel=4, pipeline_parallel=2), Layout(data_parallel=8, expert_parallel=True)],
    ids=["tp8", "tp4-pp2", "dp8-ep"],
)
def test_more_clients_never_lower_the_total(speed, catalog, engine, layout):
    """Each gets fewer tokens a second, all together more."""
    h200 = catalog.accelerator("h200-sxm")
    crowds = [dataclasses.replace(CHAT, concurrency=count) for count in (1, 2, 3, 8, 31, 64, 65, 128, 500, 1000, 5000)]
    each = [speed(crowd, engine=engine, layout=layout, accelerator=h200) for crowd in crowds]

    assert rising([one.output_throughput.value for one in each])
    assert rising([one.itl_seconds.value for one in each])
    assert rising([one.batch for one in each])
    assert each[-1].batch == each[-1].largest_batch < 5000


def test_the_saturated_rate_is_that_of_the_endless_queue(speed):
    """An offline run without end is saturation."""
    offline = speed(dataclasses.replace(CHAT, concurrency=None))

    assert offline.output_throughput == offline.max_throughput
    assert offline.ttft_seconds is None
    assert offline.output_throughput.value >= speed().output_throughput.value


def test_a_short_queue_does_not_fill_the_last_batch(speed):
    """A run of one and a half batches takes as long as nearly two."""
    endless = speed(dataclasses.replace(CHAT, concurrency=None))
    whole = speed(dataclasses.replace(CHAT, concurrency=None, requests=3 * endless.largest_batch))
    broken = speed(dataclasses.replace(CHAT, concurrency=None, requests=endless.largest_batch * 3 // 2))

    assert whole.output_throughput.value == pytest.approx(endless.output_throughput.value)
    assert broken.output_throughput.value < whole.output_throughput.value


def test_clients_beyond_the_batch_wait(speed):
    """They are counted, and their first token waits for a place."""
    busy = speed(max_batch=32)
    crowded = speed(dataclasses.replace(CHAT, concurrency=128), max_batch=32)

    assert crowded.batch == 32
    assert crowded.output_throughput == busy.output_throughput
    assert crowded.ttft_seconds.value > 3 * CHAT.output_tokens * busy.itl_seconds.value
    assert any("96 of 128 requests wait" in reason for reason in crowded.reasons)


def test_the_batch_is_what_the_cache_holds(speed):
    """196,608 bytes a token, an eighth on each GPU: room for 160 blocks a layer group and the empty block is ten requests of 256."""
    workload = Workload(prompt_tokens=200, output_tokens=56, concurrency=None)
    room = 10 * 256 * 196_608 // 8
    empty_block = 16 * 196_608 // 8

    assert speed(workload, cache_room=room + empty_block, hybrid=False).largest_batch == 10
    assert speed(workload, cache_room=room, hybrid=False).largest_batch == 9
    assert speed(workload, cache_room=room + empty_block // 2, hybrid=False, cache_dtype="fp8").largest_batch == 20


def test_the_hybrid_cache_holds_more_long_requests(speed):
    """At 131,072 tokens 36 of 48 layers keep a chunk and the tokens in flight: 24,576, three sixteenths."""
    workload = Workload(prompt_tokens=131_000, output_tokens=72, concurrency=None)
    room = 20 * 131_072 * 196_608 // 8 + 16 * 196_608 // 8
    hybrid, whole = speed(workload, cache_room=room), speed(workload, cache_room=room, hybrid=False)

    assert whole.largest_batch == 20
    assert hybrid.largest_batch == int(20 * 48 / (12 + 36 * 3 / 16))


def test_speed_is_stated_for_the_requests_that_the_plan_holds(catalog):
    """A plan's batch is what its own KV cache holds of such requests, and no second count of it."""
    for prompt, reply in ((32_768, 1_024), (8_192, 1_024), (128_000, 2_048)):
        best = plan(
            PlanRequest(model="scout", gpu="h100-sxm", count=8, prompt_tokens=prompt, output_tokens=reply), catalog
        ).best

        assert best.context == prompt + reply
        assert best.performance.largest_batch == math.floor(best.max_concurrency)


def test_a_shared_prefix_saves_computing_and_room(speed):
    """What the prefix cache holds is neither computed again nor held twice."""
    apart = Workload(prompt_tokens=8000, output_tokens=200, concurrency=None)
    shared = dataclasses.replace(apart, shared_prefix_tokens=7000)

    assert speed(shared, hybrid=False).largest_batch > 4 * speed(apart, hybrid=False).largest_batch
    assert speed(shared).largest_batch > speed(apart).largest_batch
    one = [speed(dataclasses.replace(each, concurrency=1)).ttft_seconds.value for each in (shared, apart)]
    assert one[0] < one[1]


def test_images_lengthen_the_prompt_and_pass_the_tower(speed):
    """Sixteen tiles are 2,467 tokens, and the tower's work on top of theirs."""
    bare = speed(Workload(prompt_tokens=100, output_tokens=100)).ttft_seconds.value
    text = speed(Workload(prompt_tokens=100 + 2467, output_tokens=100)).ttft_seconds.value
    image = speed(Workload(prompt_tokens=100, output_tokens=100, images=1, tiles_per_image=16)).ttft_seconds.value

    assert bare < text < image


def test_an_image_of_several_tiles_brings_its_global_tile(speed):
    """Eight images in two tiles each are as much work for the tower as twenty-four single ones."""

    def tower(images, tiles, tokens):
        prompt = Workload(prompt_tokens=100_000, output_tokens=1)
        with_images = dataclasses.replace(prompt, images=images, tiles_per_image=tiles)
        as_text = dataclasses.replace(prompt, prompt_tokens=100_000 + images * tokens)
        return speed(with_images).ttft_seconds.value - speed(as_text).ttft_seconds.value

    single, split = tower(24, 1, 144 + 3), tower(8, 2, 144 * 3 + 2 + 3)

    assert single > 0
    assert split == pytest.approx(single, rel=0.01)


def test_stages_work_on_different_prompts_at_once(speed):
    """Two stages of four GPUs get through as many prompts as eight GPUs together, but for what they send each other."""
    prompts = Workload(prompt_tokens=8000, output_tokens=1, concurrency=None)
    together = speed(prompts).max_throughput.value
    staged = speed(prompts, layout=Layout(tensor_parallel=4, pipeline_parallel=2)).max_throughput.value

    assert staged > 0.8 * together


def test_a_first_token_waits_for_the_prompts_before_it(speed):
    """Where prompts take much of the time, a new one meets others that are being computed."""
    long = Workload(prompt_tokens=8000, output_tokens=100, concurrency=1)
    crowd = dataclasses.replace(long, concurrency=48)
    one = speed(long).ttft_seconds.value - speed(dataclasses.replace(long, prompt_tokens=1)).ttft_seconds.value

    assert speed(crowd).batch == 48
    assert speed(crowd).ttft_seconds.value > speed(long).ttft_seconds.value + one / 2


def test_nothing_in_an_answer_can_be_changed(speed):
    """Answers are kept for the next to ask the same."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        speed().shares.memory = 99


def test_bounds_enclose_the_value(speed, catalog):
    """They are wider on an accelerator without measurements, and for the first token."""
    known, unknown = speed(), speed(accelerator=catalog.accelerator("a100-sxm"))

    assert known.output_throughput.low < known.output_throughput.value < known.output_throughput.high
    assert known.spread < unknown.spread
    assert known.ttft_seconds.high / known.ttft_seconds.value > known.itl_seconds.high / known.itl_seconds.value
    assert any("no measurement was made on a100-sxm" in limit for limit in unknown.limits)


def test_shares_add_up(speed):
    """Every second has one resource that it waits for."""
    for concurrency in (1, 64, None):
        performance = speed(dataclasses.replace(CHAT, concurrency=concurrency))

        shares = dataclasses.asdict(performance.shares)
        assert sum(shares.values()) == pytest.approx(1)
        assert shares[performance.bottleneck] == max(shares.values())


def test_one_stream_waits_for_launches_and_long_prompts_for_compute(speed):
    """The two ends of the roofline."""
    assert speed(Workload(prompt_tokens=100, output_tokens=1000)).bottleneck == "launch"
    assert speed(Workload(prompt_tokens=100_000, output_tokens=10, concurrency=8)).bottleneck == "compute"


def test_sources_name_the_measurements(speed, catalog):
    """Each is a source or a measurement of the catalogue."""
    for engine in ("vllm", "sglang", "tensorrt-llm"):
        named = speed(engine=engine).sources

        assert set(named) <= set(catalog.sources) | set(catalog.measurements)
        assert set(named) & set(catalog.measurements)


def test_an_engine_without_measurements_is_refused(speed):
    """The message offers those that have some."""
    with pytest.raises(UnknownNameError, match="vllm"):
        speed(engine="vlm")


def test_an_unknown_cache_dtype_is_refused(speed):
    """The message lists those that exist."""
    with pytest.raises(RequestError, match="cache_dtype: found 'int4', expected one of auto, bfloat16"):
        speed(cache_dtype="int4")


def test_weights_that_do_not_fit_are_refused(speed):
    """Scout in bfloat16 takes 200 GiB."""
    with pytest.raises(RequestError, match="of weights on each GPU, but h100-sxm has"):
        speed(layout=Layout())


def test_a_layout_that_vllm_refuses_is_refused(speed):
    """The rules are those of `memory.layout`."""
    with pytest.raises(RequestError, match="tensor_parallel 3 does not divide"):
        speed(layout=Layout(tensor_parallel=3))


def test_slower_nodes_are_said(speed):
    """What is not known about a network is not hidden."""
    across = speed(layout=Layout(tensor_parallel=8, pipeline_parallel=2))

    assert any("network between nodes of 8" in limit for limit in across.limits)
