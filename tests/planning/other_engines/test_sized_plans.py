"""Plans that are sized by the rules of other engines: what fits is right by published runs and by hand."""

from __future__ import annotations

import pytest

from llama4ref import PlanRequest, ReleaseError, SizedPlan, UnknownNameError, load, plan
from llama4ref.facts.types.states import UNKNOWN
from llama4ref.planning.request_names import with_ids
from llama4ref.units import GIB

CATALOG = load()
SGLANG = CATALOG.engine("sglang")
SCOUT = "meta-llama-4-scout-17b-16e-instruct"
Q4 = "unsloth-llama-4-scout-17b-16e-instruct-gguf-ud-q4-k-xl"
MLX_4BIT = {
    "scout": ("mlx-community-meta-llama-llama-4-scout-17b-16e-4bit", 57),
    "maverick": ("mlx-community-llama-4-maverick-17b-16e-instruct-4bit", 211),
}
"""What exo's pull request 1781 served on one M3 Ultra of 512 GB, with the size that it prints, in GiB."""
VISION_PARAMETERS = 871_932_416
"""Of tower and projector, by the shapes of transformers."""
DEFAULT_LAUNCHES = [
    claim
    for claim in SGLANG.claims_of_capacity
    if claim.checkpoint is not UNKNOWN
    and claim.flags is not UNKNOWN
    and not any("hybrid" in flag for flag in claim.flags)
]


def sized(**wish: object) -> tuple[SizedPlan, ...]:
    """The sized plans of a wish."""
    return plan(PlanRequest(**wish), CATALOG).sized  # type: ignore[arg-type]


def part(found: SizedPlan, name: str) -> int:
    """The bytes of a line that is exact."""
    (line,) = [each for each in found.lines if each.name == name]
    assert line.least_bytes == line.most_bytes
    return line.least_bytes


@pytest.mark.parametrize("model", MLX_4BIT)
def test_what_was_served_on_one_m3_ultra_fits_it(model: str) -> None:
    """The size that was printed is met to a hundredth, and the fit is sure."""
    checkpoint, printed = MLX_4BIT[model]
    (found,) = sized(model=model, gpu="m3-ultra", count=1, context="32K", checkpoint=checkpoint)

    assert found.engine.id == "mlx-lm"
    assert found.fits is True
    assert part(found, "weights") == pytest.approx(printed * GIB, rel=0.01)


def test_a_mac_is_offered_engines_of_a_mac_alone() -> None:
    """Neither SGLang nor TensorRT-LLM nor vLLM runs there, whatever checkpoint they load."""
    assert {each.engine.id for each in sized(model="scout", gpu="m3-ultra")} == {"llama-cpp", "mlx-lm", "ollama"}


@pytest.mark.parametrize(
    ("release", "context", "cache"),
    [
        # 12 global layers x 32,768 cells and 36 chunked-local ones x (8,192 + 512) cells, of 8 heads x 128 x 2 x 2 bytes
        ("b11413", 32_768, 4_096 * (12 * 32_768 + 36 * 8_704)),
        # 32,769 tokens are padded to 129 x 256
        ("b11413", 32_769, 4_096 * (12 * 33_024 + 36 * 8_704)),
        # below a chunk all layers are alike
        ("b11413", 4_096, 4_096 * 48 * 4_096),
        # the build of April 2025 kept all tokens in every layer
        ("b5237", 32_768, 4_096 * 48 * 32_768),
    ],
)
def test_llama_cpp_keeps_one_chunk_and_one_step_in_chunked_local_layers(release: str, context: int, cache: int) -> None:
    """`PAD(n_swa x sequences + batch)` cells, as pull request 13194 has it; earlier builds had one cache for all."""
    (found,) = sized(
        model="scout", gpu="h100-sxm", engine="llama-cpp", engine_release=release, context=context, checkpoint=Q4
    )

    assert part(found, "KV cache") == cache


@pytest.mark.parametrize(
    ("slots", "context", "printed"),
    [(1, 4_096, 27), (2, 2_048, 42), (4, 1_024, 72), (8, 512, 72), (1, 8_192, 39), (2, 4_096, 54)],
)
def test_the_rule_of_llama_cpp_gives_what_a_live_server_allocated(slots: int, context: int, printed: int) -> None:
    """Unsloth's pull request 5225 read the MiB of a smaller model from llama-server: 3 of 18 layers global, a window of 512, 1 head of 256."""
    sizing = CATALOG.engine("llama-cpp").sizing
    assert sizing is not None
    rule = sizing.cache[-1]
    cells = 3 * rule.padded(context) + 15 * rule.local_tokens(context, chunk=512)

    assert slots * cells * 2 * 256 * 2 == printed * 2**20


def test_every_request_has_cells_of_its_own() -> None:
    """Four requests take four times the cells, and `-c` names them all."""
    one, four = (
        sized(model="scout", gpu="m3-ultra", engine="llama-cpp", context="16K", concurrency=many, checkpoint=Q4)[0]
        for many in (1, 4)
    )

    assert part(four, "KV cache") == 4 * part(one, "KV cache")
    assert "-c 65536 -np 4" in (four.command or "")


def test_eight_bits_of_llama_cpp_have_scales() -> None:
    """q8_0 keeps 34 bytes of 32 numbers, where f16 keeps 64."""
    plain, small = (
        sized(model="scout", gpu="m3-ultra", engine="llama-cpp", context="16K", cache_dtype=dtype, checkpoint=Q4)[0]
        for dtype in ("bfloat16", "fp8")
    )

    assert part(small, "KV cache") * 64 == part(plain, "KV cache") * 34
    assert "-ctk q8_0 -ctv q8_0" in (small.command or "")


@pytest.mark.parametrize(
    "claim", DEFAULT_LAUNCHES, ids=lambda claim: f"{claim.release}-{claim.accelerator}-{claim.max_context}"
)
def test_what_sglang_is_said_to_serve_fits_by_its_own_rules(claim) -> None:  # a claim of the facts
    """The published launches without options of memory are no longer than the largest context that is computed."""
    (found,) = sized(
        model=claim.model,
        gpu=claim.accelerator,
        count=claim.count,
        engine="sglang",
        engine_release=claim.release,
        checkpoint=claim.checkpoint,
    )

    assert found.largest_context is not None
    assert found.largest_context >= min(claim.max_context, found.checkpoint.limit(found.model))


@pytest.mark.parametrize(
    ("release", "per_token"),
    [
        # one head of a GPU x 128 x 2 x 2 bytes in 48 layers
        ("0.5.7", 512 * 48),
        # 12 global layers and four fifths of the 36 others
        ("0.5.8", 512 * 12 + 512 * 36 * 0.8),
    ],
)
def test_sglang_gives_chunked_local_layers_four_fifths(release: str, per_token: float) -> None:
    """From 0.5.8 its second pool has 0.8 of the tokens of the first, where nobody asks for less."""
    (found,) = sized(
        model="scout",
        gpu="h100-sxm",
        count=8,
        engine="sglang",
        engine_release=release,
        context=100_000,
        checkpoint=SCOUT,
    )

    assert part(found, "KV cache") == pytest.approx(100_000 * per_token, abs=1)


@pytest.mark.parametrize(
    ("release", "count", "kept"),
    [
        ("0.4.5", 8, lambda memory: memory * 0.19),
        # 9.5 GiB and half a GiB for each of eight GPUs
        ("0.4.9", 8, lambda _memory: 13.5 * GIB),
        # 512 MiB, 8,192 tokens x 1.5, 512 sequences x 2 and 128 for each GPU
        ("0.5.9", 8, lambda _memory: (512 + 12_288 + 1_024 + 1_024) * 2**20),
    ],
)
def test_sglang_keeps_back_what_its_release_reserves(release: str, count: int, kept) -> None:  # a function
    """Read by hand in `server_args.py` of the three wheels, for an H100."""
    (found,) = sized(
        model="scout",
        gpu="h100-sxm",
        count=count,
        engine="sglang",
        engine_release=release,
        context=65_536,
        checkpoint=SCOUT,
    )

    assert part(found, "kept back") == pytest.approx(kept(found.memory_bytes), abs=2)


def test_where_nobody_states_the_overhead_nothing_is_promised() -> None:
    """TensorRT-LLM profiles its activations; how much they take is not published, so neither the fit nor a largest context is."""
    (found,) = sized(
        model="scout",
        gpu="h200-sxm",
        count=1,
        engine="tensorrt-llm",
        context="128K",
        checkpoint="nvidia-llama-4-scout-17b-16e-instruct-fp8",
    )

    assert found.fits is None
    assert found.largest_context is None
    assert "overhead" in {each.about for each in found.caveats}


def test_tensorrt_llm_leaves_a_tenth_of_what_is_left() -> None:
    """111,587,147,392 bytes of weights leave 38.5 GB of an H200; nine tenths hold 176,000 tokens of 196,608 bytes, no 180,000."""
    wish = {
        "model": "scout",
        "gpu": "h200-sxm",
        "count": 1,
        "engine": "tensorrt-llm",
        "checkpoint": "nvidia-llama-4-scout-17b-16e-instruct-fp8",
    }
    memory = CATALOG.accelerator("h200-sxm").memory_bytes
    fitting = int((memory - 111_587_147_392) * 0.9 // 196_608)

    assert sized(**wish, context=fitting - 64)
    assert not sized(**wish, context=fitting + 64)


def test_the_largest_context_is_the_last_one_that_fits() -> None:
    """One token more, padded, is no longer sure."""
    wish = {"model": "scout", "gpu": "rtx-4090", "count": 4, "engine": "llama-cpp", "checkpoint": Q4}
    (found,) = sized(**wish)
    longest = found.largest_context or 0
    (at, beyond) = (sized(**wish, context=longest + more) for more in (0, 1))

    assert at[0].fits is True
    assert [each.fits for each in beyond] in ([], [None])


def test_faults_of_the_other_engine_are_told() -> None:
    """Images with llama.cpp are understood less well, and the plan says so with the fault's source."""
    found = sized(model="scout", gpu="rtx-4090", count=4, images=1, engine="llama-cpp", context="16K", checkpoint=Q4)[0]

    assert "vision-degraded" in {each.value for each in found.caveats if each.about == "known fault"}


def test_a_fault_that_ends_the_start_refuses_the_plan() -> None:
    """ModelOpt's FP8 does not start in SGLang 0.4.5."""
    wish = PlanRequest(
        model="scout",
        gpu="h100-sxm",
        count=8,
        engine="sglang",
        engine_release="0.4.5",
        checkpoint="nvidia-llama-4-scout-17b-16e-instruct-fp8",
    )
    result = plan(wish, CATALOG)

    assert not result.sized
    assert "engine-fault" in {each.rule for each in result.refused}


def test_no_sized_plan_stands_among_those_of_vllm() -> None:
    """They are a list of their own, on the lowest rung, and say that nothing was started."""
    result = plan(PlanRequest(model="scout", gpu="h100-sxm", engine="llama-cpp", context="16K"), CATALOG)

    assert result.plans == ()
    assert result.best is None
    assert {each.rung for each in result.sized} == {"computed"}
    assert all("proof" in {caveat.about for caveat in each.caveats} for each in result.sized)


@pytest.mark.parametrize(("engine", "release"), [("sglang", "0.4.4"), ("sglang", "9.0.0"), ("mlx-lm", "0.22.3")])
def test_releases_that_the_facts_do_not_cover_are_refused(engine: str, release: str) -> None:
    """Before the first that serves the model, and after the newest that was read."""
    with pytest.raises(ReleaseError, match="is not covered"):
        sized(
            model="scout", gpu="m3-ultra" if engine == "mlx-lm" else "h100-sxm", engine=engine, engine_release=release
        )


def test_a_release_without_an_engine_means_nothing_where_several_serve() -> None:
    """Each engine numbers its own."""
    with pytest.raises(ReleaseError, match="name the engine"):
        sized(model="scout", gpu="m3-ultra", engine_release="0.30.0")


def test_what_only_vllm_is_planned_with_is_not_dropped() -> None:
    """A draft head is no part of the sizing; the plan is refused instead of being given without it."""
    result = plan(
        PlanRequest(
            model="scout",
            gpu="h100-sxm",
            count=8,
            engine="sglang",
            speculative="lmsys/sglang-EAGLE3-Llama-4-Scout-17B-16E-Instruct-v1",
        ),
        CATALOG,
    )

    assert not result.sized
    assert result.refused[0].rule == "engine-setting"


def test_a_published_context_says_what_it_was_shown_by() -> None:
    """SGLang's guide states a million tokens on 8 H100 and shows neither a start nor a request."""
    (found,) = sized(model="scout", gpu="h100-sxm", count=8, engine="sglang", context=100_000, checkpoint=SCOUT)
    published = {each.value: each for each in found.reasons if each.about == "published context"}

    assert published["1,000,000"].because.startswith("stated, neither a start nor a request is shown: SGLang 0.4.5")
    assert published["1,000,000"].source == "sglang-llama4-usage"


@pytest.mark.parametrize(
    ("gpu", "said"),
    [
        ("trainium2", "vLLM serves Llama 4 on neuron, and is not planned for there: by a plugin of its own on Trn2"),
        ("ascend-910b4", "vLLM does not serve Llama 4 on npu: a maintainer of its plugin for Ascend says so"),
    ],
)
def test_known_hardware_that_nothing_is_planned_for_says_what_is_known(gpu: str, said: str) -> None:
    """The names are known, and the answer has a source."""
    result = plan(PlanRequest(model="scout", gpu=gpu, count=16), CATALOG)

    assert not result.sized
    assert result.refused[0].rule == "not-planned"
    assert result.refused[1].numbers.startswith(said)
    assert result.refused[1].source is not None


def test_an_unknown_name_says_where_the_names_are() -> None:
    """The command lists all of the kind."""
    with pytest.raises(UnknownNameError, match="`llama4ref facts list accelerators` lists all"):
        with_ids(CATALOG, PlanRequest(model="scout", gpu="abacus"))


def test_images_need_a_vision_tower_that_the_engine_reads() -> None:
    """A GGUF file has its tower beside it, which llama.cpp reads and makes room for; MLX conversions keep the language model alone."""
    text, images = (
        sized(model="scout", gpu="m3-ultra", engine="llama-cpp", context="16K", images=many, checkpoint=Q4)[0]
        for many in (0, 1)
    )
    most = [next(line.most_bytes for line in found.lines if line.name == "overhead") for found in (text, images)]
    result = plan(PlanRequest(model="scout", gpu="m3-ultra", engine="mlx-lm", images=1, context="16K"), CATALOG)

    assert (most[1] or 0) - (most[0] or 0) == 4 * VISION_PARAMETERS
    assert not result.sized
    assert {each.rule for each in result.refused} == {"not-planned", "images"}


def test_several_machines_are_planned_with_vllm_alone() -> None:
    """No command of another engine for them is stated."""
    result = plan(PlanRequest(model="scout", gpu="h100-sxm", count=8, nodes=2, engine="sglang"), CATALOG)

    assert not result.sized
    assert {each.rule for each in result.refused} == {"nodes"}


def test_the_memory_of_a_mac_is_what_the_system_lends() -> None:
    """Three quarters of the label, and the plan says that its user may raise it."""
    found = sized(model="scout", gpu="m3-ultra", engine="mlx-lm", context="16K")[0]
    (memory,) = [each for each in found.reasons if each.about == "memory"]

    assert found.memory_bytes == 512 * GIB * 3 // 4
    assert "three quarters of the label" in memory.because
    assert "may raise it" in memory.because


@pytest.mark.parametrize(
    ("engine", "gpu", "said"),
    [
        ("mlx-lm", "h100-sxm", "nobody states that mlx-lm serves Llama 4 on cuda"),
        ("vllm", "m3-ultra", "nobody states that vLLM serves Llama 4 on metal"),
        ("transformers", "h100-sxm", "transformers does not serve Llama 4 on cuda: a library, not a server"),
        ("ollama", "m3-ultra", "its rules of memory were not read for this release"),
    ],
)
def test_an_engine_that_is_not_known_to_serve_somewhere_is_not_planned_there(engine: str, gpu: str, said: str) -> None:
    """Nothing is said not to fit."""
    release = "0.12.0" if engine == "ollama" else None
    result = plan(PlanRequest(model="scout", gpu=gpu, engine=engine, engine_release=release), CATALOG)

    assert not result.sized
    assert {each.rule for each in result.refused} == {"not-planned"}
    assert said in {each.numbers for each in result.refused}
