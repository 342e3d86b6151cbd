"""The KV cache against the installed vLLM's own planner, printed log lines, published launches and properties."""

from __future__ import annotations

import dataclasses
import random
import re
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llama4ref.engine.engine_config import EngineConfig
from llama4ref.engine.layout import Layout
from llama4ref.errors import ReleaseError, RequestError
from llama4ref.facts import load
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.memory.attention_cache import kv_cache
from llama4ref.memory.gpu_budget import memory_budget
from llama4ref.memory.parameter_count import parameters
from llama4ref.proving.model_files.torch_companions import repair_torch_companions
from llama4ref.units import GIB

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from vllm.config import VllmConfig

    from llama4ref.facts.types.checkpoints import Checkpoint
    from llama4ref.facts.types.drafts import DraftHead
    from llama4ref.facts.types.models import Model
    from llama4ref.memory.attention_cache import KVCache

SAMPLES = 400


@dataclass(frozen=True, kw_only=True)
class Case:
    """One configuration, in the words of `kv_cache`."""

    max_model_len: int
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    cache_dtype: str = "bfloat16"
    block_size: int = 16
    max_num_batched_tokens: int = 8192
    hybrid: bool = True
    platform: str = "cuda"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What vLLM says of a configuration and an amount of memory."""

    fits: bool
    num_blocks: int | None = None
    tokens: int | None = None
    max_concurrency: float | None = None
    estimate: int | None = None
    needed_gib: str | None = None


class Planner:
    """The installed vLLM's cache planner, asked as its engine asks it, without a model or a GPU."""

    def __init__(self, vllm: ModuleType) -> None:
        from vllm.config import VllmConfig

        self.release: str = vllm.__version__
        self.config: VllmConfig = VllmConfig()
        self.config.cache_config.kv_cache_layout = "LBNHC"
        self.draft: DraftHead | None = None
        """A draft head, whose layers lie on the last stage."""

    def answer(self, model: Model, case: Case, available: list[int]) -> Answer:
        """Start with a given length."""
        from vllm.v1.core.kv_cache_utils import (
            generate_scheduler_kv_cache_config,
            get_kv_cache_capacity,
            get_kv_cache_configs,
        )

        specs = self._configure(model, case)
        try:
            workers = get_kv_cache_configs(self.config, specs, available)
        except ValueError as error:
            estimate = re.search(r"estimated maximum model length is (\d+)", str(error))
            needed = re.search(r"\(([\d.]+) GiB KV cache is needed", str(error))
            return Answer(
                fits=False, estimate=int(estimate[1]) if estimate else 0, needed_gib=needed[1] if needed else None
            )
        scheduler = generate_scheduler_kv_cache_config(workers)
        tokens, concurrency = get_kv_cache_capacity(self.config, scheduler)
        return Answer(fits=True, num_blocks=scheduler.num_blocks, tokens=tokens, max_concurrency=concurrency)

    def auto_length(self, model: Model, case: Case, available: list[int]) -> int:
        """Start with `--max-model-len auto`."""
        from vllm.v1.core.kv_cache_utils import get_kv_cache_configs

        limit = model.architecture.context.instruct_max_position_embeddings
        specs = self._configure(model, dataclasses.replace(case, max_model_len=limit), automatic=True)
        try:
            get_kv_cache_configs(self.config, specs, available)
        except ValueError:
            return 0
        return int(self.config.model_config.max_model_len)

    def _configure(self, model: Model, case: Case, *, automatic: bool = False) -> list[dict[str, object]]:
        """Set the configuration, and give the cache specification of each stage's layers."""
        config: VllmConfig = self.config
        config.model_config = SimpleNamespace(
            max_model_len=case.max_model_len, original_max_model_len=-1 if automatic else case.max_model_len
        )
        config.parallel_config.pipeline_parallel_size = case.pipeline_parallel
        config.scheduler_config.max_num_batched_tokens = case.max_num_batched_tokens
        config.scheduler_config.async_scheduling = case.platform != "cpu"
        config.scheduler_config.disable_hybrid_kv_cache_manager = not case.hybrid
        config.cache_config.block_size = case.block_size
        return [self._layer_specs(model, case, rank) for rank in range(case.pipeline_parallel)]

    def _layer_specs(self, model: Model, case: Case, rank: int) -> dict[str, object]:
        """The specification of each layer of a stage, from vLLM's own attention layers."""
        from vllm.distributed.utils import get_pp_indices
        from vllm.model_executor.layers.attention import Attention
        from vllm.model_executor.layers.attention.chunked_local_attention import ChunkedLocalAttention
        from vllm.utils.torch_utils import STR_DTYPE_TO_TORCH_DTYPE
        from vllm.v1.attention.backend import AttentionType

        attention = model.architecture.attention
        layer = SimpleNamespace(
            attn_type=AttentionType.DECODER,
            sliding_window=None,
            num_kv_heads=max(1, attention.kv_heads // case.tensor_parallel),
            head_size=attention.head_dim,
            head_size_v=attention.head_dim,
            attention_chunk_size=attention.chunk_size,
            kv_cache_dtype="auto" if case.cache_dtype == "float32" else case.cache_dtype,
            kv_cache_torch_dtype=STR_DTYPE_TO_TORCH_DTYPE[case.cache_dtype],
        )
        kinds = {True: Attention, False: ChunkedLocalAttention}
        layers = model.architecture.text.layers
        first, last = get_pp_indices(layers, rank, case.pipeline_parallel)
        specs = {
            f"model.layers.{index}.self_attn.attn": kinds[(index + 1) % attention.nope_interval == 0].get_kv_cache_spec(
                layer, self.config
            )
            for index in range(first, last)
        }
        if self.draft is not None and last == layers:
            layer.num_kv_heads = max(1, self.draft.kv_heads // case.tensor_parallel)
            layer.head_size = layer.head_size_v = self.draft.head_dim
            drafted = range(layers, layers + self.draft.layers)
            specs |= {
                f"model.layers.{index}.self_attn.attn": Attention.get_kv_cache_spec(layer, self.config)
                for index in drafted
            }
        return specs


@pytest.fixture(scope="module")
def planner() -> Iterator[Planner]:
    """The planner of the installed vLLM, with the model runner that it uses where Triton is."""
    pytest.importorskip("torch")
    repair_torch_companions()
    planner = Planner(pytest.importorskip("vllm"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VLLM_USE_V2_MODEL_RUNNER", "1")
        yield planner


def samples(seed: int, count: int) -> Iterator[tuple[str, Case, list[int]]]:
    """Configurations with memory around what one request needs, and far from it."""
    draw = random.Random(seed)  # noqa: S311 -- a sample, not a secret
    limits = {"scout": 10_485_760, "maverick": 1_048_576}
    for _ in range(count):
        name = draw.choice(sorted(limits))
        length = draw.choice(
            [draw.randint(1, 9_000), draw.randint(1, 70_000), draw.randint(1, limits[name]), limits[name]]
        )
        case = Case(
            max_model_len=length,
            tensor_parallel=draw.choice([1, 2, 4, 8]),
            pipeline_parallel=draw.choice([1, 1, 1, 2, 3, 4, 5, 7, 8, 11, 16, 31, 48]),
            cache_dtype=draw.choice(["bfloat16", "float16", "float32", "fp8", "fp8_e4m3", "fp8_e5m2"]),
            block_size=draw.choice([1, 8, 16, 16, 32, 48, 64, 80, 96, 128, 144, 256]),
            max_num_batched_tokens=draw.choice([1, 512, 2_000, 2_048, 8_192, 16_384, 65_536]),
            hybrid=draw.random() < 0.7,
            platform=draw.choice(["cuda", "cuda", "rocm", "xpu", "cpu"]),
        )
        need = kv_cache(load().model(name), **dataclasses.asdict(case))
        around = need.bytes_per_request + need.bytes_per_block * draw.randint(-2, 2) + draw.randint(-1, 1)
        far = round(2 ** draw.uniform(15, 41))
        each = [draw.choice([around, far])] * case.pipeline_parallel
        if draw.random() < 0.2:
            each = [memory + draw.randint(0, memory // 10 + 1) if memory > 0 else memory for memory in each]
        yield name, case, each


def differences(
    planner: Planner, name: str, case: Case, available: list[int], *, draft: Checkpoint | None = None
) -> list[str]:
    """What the planner says otherwise than `kv_cache`."""
    model = load().model(name)
    ours = kv_cache(model, release=planner.release, draft=draft, **dataclasses.asdict(case))
    capacity, theirs = ours.capacity(available), planner.answer(model, case, available)
    largest = ours.largest_max_model_len(available)
    pairs: dict[str, tuple[object, object]] = {
        "fits": (capacity.fits, theirs.fits),
        "auto length": (largest, planner.auto_length(model, case, available)),
    }
    if theirs.fits:
        pairs["blocks"] = capacity.num_blocks, theirs.num_blocks
        pairs["tokens"] = capacity.tokens, theirs.tokens
        pairs["concurrency"] = capacity.max_concurrency, theirs.max_concurrency
    elif theirs.needed_gib is not None and case.pipeline_parallel == 1:
        # With more stages the message speaks of the first one that refuses, which need not be the fullest.
        pairs["estimate"] = largest, theirs.estimate
        pairs["GiB needed"] = round(ours.bytes_per_request / GIB, 2), float(theirs.needed_gib)
    return [
        f"{name} {case} {available}: {key} {ours}, vLLM {vllm}" for key, (ours, vllm) in pairs.items() if ours != vllm
    ]


@pytest.mark.vllm
def test_every_number_equals_that_of_the_installed_planner(planner: Planner) -> None:
    """Blocks, tokens, concurrency, refusal, estimate and automatic length, on configurations of every kind."""
    drawn = list(samples(seed=4, count=SAMPLES))
    found = [line for name, case, available in drawn for line in differences(planner, name, case, available)]

    assert len({(name, case) for name, case, _ in drawn}) > SAMPLES * 0.9
    assert found == []


@pytest.mark.vllm
@pytest.mark.parametrize("hybrid", [True, False])
def test_one_token_more_than_the_largest_length_is_refused(planner: Planner, *, hybrid: bool) -> None:
    """vLLM starts with the largest length, and not with one more."""
    scout, available = load().model("scout"), [7 * GIB]
    case = Case(max_model_len=1, tensor_parallel=8, hybrid=hybrid)
    largest = kv_cache(scout, release=planner.release, **dataclasses.asdict(case)).largest_max_model_len(available)

    assert planner.answer(scout, dataclasses.replace(case, max_model_len=largest), available).fits
    assert not planner.answer(scout, dataclasses.replace(case, max_model_len=largest + 1), available).fits


@pytest.mark.vllm
@pytest.mark.parametrize(
    ("layers", "kv_heads", "head_dim"), [(1, 8, 128), (2, 8, 128), (1, 4, 128), (1, 8, 64), (3, 16, 128)]
)
def test_a_draft_head_is_planned_as_the_installed_planner_does(
    planner: Planner, layers: int, kv_heads: int, head_dim: int
) -> None:
    """Its layers hold every token, with pages of their own size, on the last stage; the hybrid cache is off."""
    draw = random.Random(layers * kv_heads * head_dim)  # noqa: S311 -- a sample, not a secret
    published = load().checkpoint("lmsys/sglang-EAGLE3-Llama-4-Scout-17B-16E-Instruct-v1")
    assert published.draft is not None
    head = dataclasses.replace(published.draft, layers=layers, kv_heads=kv_heads, head_dim=head_dim)
    draft = dataclasses.replace(published, draft=head)
    planner.draft = head
    found: list[str] = []
    try:
        for name, case, available in samples(seed=layers + kv_heads, count=30):
            off = dataclasses.replace(case, hybrid=False)
            model, checkpoint = load().model(name), dataclasses.replace(draft, model=name)
            ours = kv_cache(model, release=planner.release, draft=checkpoint, **dataclasses.asdict(off))
            need = ours.bytes_per_request + ours.bytes_per_block * draw.randint(-1, 2)
            for room in (available, [need + draw.randint(0, need) for _ in available]):
                found += differences(planner, name, off, room, draft=checkpoint)
    finally:
        planner.draft = None

    assert found == []


@pytest.mark.vllm
@pytest.mark.parametrize("stages", [2, 3, 5, 8])
@pytest.mark.parametrize("name", ["scout", "maverick"])
def test_a_budget_of_stages_holds_what_the_planner_makes_of_it(planner: Planner, name: str, stages: int) -> None:
    """Each stage has another amount of memory, and blocks of another size; the planner gets what the budget leaves of each."""
    catalog = load()
    model = catalog.model(name)
    config = EngineConfig(
        release=planner.release,
        layout=Layout(tensor_parallel=8, pipeline_parallel=stages),
        max_model_len=100_000,
        max_num_seqs=64,
        max_num_batched_tokens=8192,
        gpu_memory_utilization=0.9,
    )
    budget = memory_budget(model, None, catalog.accelerator("b200"), config, catalog.engine("vllm").at(planner.release))
    case = Case(max_model_len=100_000, tensor_parallel=8, pipeline_parallel=stages)
    room = list(budget.room())
    ours, theirs = budget.cache.capacity(room), planner.answer(model, case, room)

    assert len(set(room)) > 1
    assert theirs.fits
    assert (ours.num_blocks, ours.tokens, ours.max_concurrency) == (
        theirs.num_blocks,
        theirs.tokens,
        theirs.max_concurrency,
    )
    assert budget.cache.largest_max_model_len(room) == planner.auto_length(model, case, room)
    assert ours.num_blocks == room[budget.stage] // budget.cache.stages[budget.stage].bytes_per_block


@pytest.mark.vllm
@pytest.mark.parametrize("tensor_parallel", [2, 8, 16, 32])
@pytest.mark.parametrize("hybrid", [True, False])
def test_more_ranks_than_kv_heads_hold_a_whole_one_each(
    planner: Planner, tensor_parallel: int, *, hybrid: bool
) -> None:
    """A model of 32 heads and 8 KV heads: vLLM copies KV heads where ranks are more than they."""
    model = few_kv_heads()
    case = Case(max_model_len=50_000, tensor_parallel=tensor_parallel, hybrid=hybrid)
    ours = kv_cache(model, release=planner.release, **dataclasses.asdict(case))
    theirs = planner.answer(model, case, [16 * GIB])
    capacity = ours.capacity(16 * GIB)

    assert ours.page_bytes == 2 * 16 * max(1, 8 // tensor_parallel) * 128 * 2
    assert (capacity.num_blocks, capacity.tokens) == (theirs.num_blocks, theirs.tokens)
    assert ours.largest_max_model_len(16 * GIB) == planner.auto_length(model, case, [16 * GIB])


@pytest.mark.parametrize("tensor_parallel", [8, 16, 32])
@pytest.mark.parametrize("hybrid", [True, False])
def test_a_page_has_a_whole_kv_head(tensor_parallel: int, *, hybrid: bool) -> None:
    """Keys and values of 16 tokens, one head of 128 numbers of two bytes: 8,192 bytes, on 8 ranks and on more."""
    cache = kv_cache(few_kv_heads(), max_model_len=50_000, tensor_parallel=tensor_parallel, hybrid=hybrid)

    assert cache.page_bytes == 2 * 16 * 128 * 2 == 8192


def few_kv_heads() -> Model:
    """Scout with 32 heads, and a tower that is split as far."""
    scout = load().model("scout")
    assert scout.attention is not UNKNOWN
    assert scout.vision is not UNKNOWN
    return dataclasses.replace(
        scout,
        id="few-kv-heads",
        attention=dataclasses.replace(scout.attention, heads=32),
        vision=dataclasses.replace(scout.vision, heads=32, hidden_size=32 * 88),
    )


def miniature() -> Model:
    """The model behind the recorded log lines.

    16,384 blocks in 1 GiB are 65,536 bytes a block, so with 128 tokens, two layers a group and two bytes a number, keys
    and values are 64 numbers wide: two KV heads of 32, since two tensor-parallel ranks shared them.
    """
    scout = load().model("scout")
    assert scout.text is not UNKNOWN
    assert scout.attention is not UNKNOWN
    return dataclasses.replace(
        scout,
        text=dataclasses.replace(scout.text, layers=8),
        attention=dataclasses.replace(scout.attention, heads=10, kv_heads=2, head_dim=32),
    )


def served(**changes: object) -> KVCache:
    """The cache of the recorded servers: vLLM 0.32.0 on a CPU, 32,768 tokens a request unless changed."""
    settings = Case(max_model_len=32_768, block_size=128, max_num_batched_tokens=2_048, platform="cpu")
    return kv_cache(miniature(), release="0.32.0", **(dataclasses.asdict(settings) | changes))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "1,082,401 tokens, 33.03x"),
        ({"hybrid": False}, "524,288 tokens, 16.00x"),
        ({"cache_dtype": "fp8"}, "2,164,802 tokens, 66.06x"),
        ({"cache_dtype": "float32"}, "541,200 tokens, 16.52x"),
        ({"tensor_parallel": 2}, "2,164,802 tokens, 66.06x"),
        ({"pipeline_parallel": 2}, "1,973,790 tokens, 60.24x"),
    ],
)
def test_the_line_of_a_served_miniature_is_predicted(changes: dict[str, object], line: str) -> None:
    """Tokens and concurrency as servers with 1 GiB of cache printed them."""
    capacity = served(**changes).capacity(GIB)

    assert f"{capacity.tokens:,} tokens, {capacity.max_concurrency:.2f}x" == line


def test_the_refusal_of_a_served_miniature_is_predicted() -> None:
    """A server with 50,000,000 bytes refused 262,144 tokens, wanted 0.14 GiB and offered 66,688 tokens."""
    cache = served(max_model_len=262_144)

    assert not cache.capacity(50_000_000).fits
    assert f"{cache.bytes_per_request / GIB:.2f}" == "0.14"
    assert cache.largest_max_model_len(50_000_000) == 66_688


@pytest.mark.parametrize(
    ("release", "layout", "hybrid", "smallest_bytes", "num_blocks"),
    [
        ("0.8.5", (8, 1), False, 24_576_000_000, 62_500),
        ("0.8.5", (8, 1), True, 24_576_000_000, 62_500),
        ("0.10.0", (8, 1), True, 6_445_989_888, 65_572),
        ("0.10.0", (8, 1), False, 6_445_989_888, 16_393),
        ("0.10.0", (4, 2), True, 6_445_989_888, 65_572),
        ("0.13.0", (8, 1), True, 6_445_989_888, 65_572),
        ("0.13.0", (8, 1), False, 6_445_989_888, 16_393),
        ("0.14.0", (8, 1), True, 100_663_296, 1_024),
        ("0.14.0", (8, 1), False, 24_576_000_000, 62_500),
        ("0.14.0", (4, 2), True, 201_326_592, 2_048),
        ("0.17.0", (8, 1), True, 100_663_296, 1_024),
        ("0.17.0", (4, 2), True, 100_663_296, 1_024),
        ("0.19.0", (8, 1), True, 6_445_989_888, 65_572),
        ("0.19.0", (8, 1), False, 24_576_000_000, 62_500),
        ("0.26.0", (8, 1), True, 6_596_984_832, 67_108),
        ("0.28.0", (4, 2), True, 6_596_984_832, 67_108),
        ("0.29.0", (8, 1), True, 6_597_083_136, 67_109),
        ("0.29.0", (8, 1), False, 24_576_393_216, 62_501),
        ("0.33.0", (4, 2), True, 6_748_078_080, 68_645),
    ],
)
def test_the_least_memory_that_a_release_starts_with_is_predicted(
    release: str, layout: tuple[int, int], hybrid: bool, smallest_bytes: int, num_blocks: int
) -> None:
    """Scout with 1,000,000 tokens: found by running the planner in each release's own source, by bisection."""
    cache = kv_cache(
        load().model("scout"),
        max_model_len=1_000_000,
        tensor_parallel=layout[0],
        pipeline_parallel=layout[1],
        hybrid=hybrid,
        release=release,
    )

    assert cache.capacity(smallest_bytes).fits
    assert cache.capacity(smallest_bytes).num_blocks == num_blocks
    assert not cache.capacity(smallest_bytes - 1).fits


def test_older_releases_print_the_pool_of_one_group() -> None:
    """Until 0.20.0 the printed tokens were blocks / groups x block size: 65,572 / 4 x 16."""
    scout = load().model("scout")
    old, new = (
        kv_cache(scout, max_model_len=1_000_000, tensor_parallel=8, release=release).capacity(6_445_989_888)
        for release in ("0.20.0", "0.20.1")
    )

    assert (old.tokens, new.tokens) == (262_288, 1_000_000)


@pytest.mark.parametrize(("tokens", "gigabytes"), [(1_000_000, 80), (3_600_000, 141)])
def test_the_published_launches_of_the_first_release_fit(tokens: int, gigabytes: int) -> None:
    """Eight H100 (80 GB) with 1M tokens and eight H200 (141 GB) with 3.6M: one request beside an eighth of the weights.

    The first release keeps every token in every layer, and uses nine tenths of a GPU.
    """
    scout = load().model("scout")
    cache = kv_cache(scout, max_model_len=tokens, tensor_parallel=8, release="0.8.3")
    weight_bytes = parameters(scout).total * 2 // 8

    assert not cache.hybrid
    assert cache.capacity(gigabytes * 10**9 * 9 // 10 - weight_bytes).fits


@given(
    length=st.integers(1, 10_485_760),
    block_size=st.sampled_from([16, 32, 128, 256]),
    batched=st.integers(1, 65_536),
    hybrid=st.booleans(),
    stages=st.integers(1, 48),
    memory=st.integers(0, 2**40),
    more=st.integers(0, 2**36),
)
def test_more_memory_holds_no_less_and_more_tokens_need_no_less(
    *, length: int, block_size: int, batched: int, hybrid: bool, stages: int, memory: int, more: int
) -> None:
    """Capacity grows with memory, need with length, and the largest length is where the answer turns."""
    cache = kv_cache(
        load().model("scout"),
        max_model_len=length,
        block_size=block_size,
        max_num_batched_tokens=batched,
        hybrid=hybrid,
        pipeline_parallel=stages,
    )
    less, full = cache.capacity(memory), cache.capacity(memory + more)
    largest = cache.largest_max_model_len(memory)

    assert less.num_blocks <= full.num_blocks
    assert less.tokens <= full.tokens
    assert less.fits <= full.fits
    assert largest <= cache.largest_max_model_len(memory + more)
    assert less.fits == (length <= largest)
    assert not less.fits or less.max_concurrency >= 1
    assert cache.blocks_at(length) <= cache.blocks_at(length + 1)
    assert cache.bytes_held("global") + cache.bytes_held("chunked-local") == cache.bytes_per_request


def test_each_stage_may_have_its_own_memory() -> None:
    """The stage with the least room decides."""
    cache = kv_cache(load().model("scout"), max_model_len=32_768, pipeline_parallel=2)

    assert cache.capacity([4 * GIB, 2 * GIB]) == cache.capacity(2 * GIB)
    assert cache.largest_max_model_len([4 * GIB, 2 * GIB]) == cache.largest_max_model_len(2 * GIB)
    with pytest.raises(RequestError, match="3 entries, but there are 2 pipeline stages"):
        cache.capacity([GIB, GIB, GIB])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"tensor_parallel": 16}, "tensor_parallel 16 does not divide the 40 attention heads; use one of 1, 2, 4, 8"),
        ({"tensor_parallel": 0}, "tensor_parallel: found 0"),
        ({"pipeline_parallel": 49}, "pipeline_parallel 49 exceeds the 48 layers"),
        ({"max_model_len": 0}, "max_model_len is 0, but it counts tokens"),
        ({"block_size": -16}, "block_size is -16, but it counts tokens"),
        ({"max_num_batched_tokens": 0}, "max_num_batched_tokens is 0, but it counts tokens"),
        ({"cache_dtype": "int8"}, "cache_dtype is 'int8', but the cache is one of auto, bfloat16"),
        ({"platform": "tpu"}, "platform is 'tpu', but vLLM plans for cuda"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(wrong: dict[str, object], message: str) -> None:
    """The refusal names the rule and the numbers."""
    with pytest.raises(RequestError, match=re.escape(message)):
        kv_cache(load().model("scout"), **(dataclasses.asdict(Case(max_model_len=8_192)) | wrong))


def test_a_release_before_llama_4_is_refused() -> None:
    """0.8.2 does not know the architecture."""
    with pytest.raises(ReleaseError, match=re.escape("0.8.2 is not covered")):
        kv_cache(load().model("scout"), max_model_len=8_192, release="0.8.2")


def test_no_memory_holds_nothing() -> None:
    """Nothing left, or less than nothing, is an answer."""
    cache = kv_cache(load().model("scout"), max_model_len=8_192)

    for memory in (0, -GIB):
        capacity = cache.capacity(memory)
        assert (capacity.num_blocks, capacity.tokens, capacity.max_concurrency, capacity.fits) == (0, 0, 0, False)
        assert cache.largest_max_model_len(memory) == 0
