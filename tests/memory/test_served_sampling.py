"""What sampling takes over its profile: counted on the installed vLLM's own sampler, and what a plan makes of it."""

from __future__ import annotations

import gc
import os
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest

from llama4ref.engine.engine_config import EngineConfig
from llama4ref.engine.estimates import EstimateScope, EstimatesFor, spread_over
from llama4ref.engine.layout import Layout
from llama4ref.facts import load
from llama4ref.memory.activation_peaks import VERIFIED_REQUEST_BYTES
from llama4ref.memory.gpu_budget import MemoryBudget, memory_budget
from llama4ref.memory.served_sampling import SERVED_SAMPLING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llama4ref.engine.estimates import Estimate
    from llama4ref.memory.budget_lines import BudgetLine

CATALOG = load()
SCOUT = CATALOG.model("scout")
VOCABULARY = SCOUT.architecture.text.vocab_size
ROWS = 32
"""Requests that are sampled at once here; what is counted is divided by their logits."""
UNITS = 8
"""Multiprocessors that Triton's kernel is told of: it keeps a row in fp32 for each."""
FLASHINFER_BYTES = 4 + 4
"""What FlashInfer adds for each logit (`flashinfer/sampling.py` of 0.6.18): the masked logits and the probabilities, both in fp32."""
CONFIG = EngineConfig(release="0.32.0",
    layout=Layout(tensor_parallel=8), max_model_len=8192, max_num_seqs=1024, max_num_batched_tokens=8192,
    gpu_memory_utilization=0.92, images_per_prompt=0,
)  # fmt: skip


class _Kernel:
    """In place of a Triton kernel, which has no memory of its own: its arguments are made by vLLM, and it is not run."""

    def __getitem__(self, _grid: object) -> Callable[..., None]:
        return lambda *_args, **_more: None

    def __call__(self, *_args: object, **_more: object) -> None: ...

    def register_warmup(self, **_more: object) -> None: ...


def _counter() -> Any:
    """Counts the memory of all tensors that live at once, after each operation of torch."""
    from torch import Tensor
    from torch.multiprocessing.reductions import StorageWeakRef
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    class Counter(TorchDispatchMode):
        def __init__(self) -> None:
            super().__init__()
            self.living: dict[int, tuple[StorageWeakRef, int]] = {}
            self.peak = 0

        def __torch_dispatch__(self, function: Any, _types: object, args: Any = (), kwargs: Any = None) -> Any:
            made = function(*args, **(kwargs or {}))
            self.living = {key: kept for key, kept in self.living.items() if not kept[0].expired()}
            for tensor in tree_leaves((made, args)):
                if isinstance(tensor, Tensor):
                    storage = tensor.untyped_storage()
                    self.living.setdefault(storage._cdata, (StorageWeakRef(storage), storage.nbytes()))
            self.peak = max(self.peak, sum(size for _, size in self.living.values()))
            return made

    return Counter()


def _forget_rows() -> None:
    """Frees the rows that the threshold keeps from one step to the next, so that each count has them."""
    from vllm.v1.sample.ops import topk_topp_triton

    topk_topp_triton._TRITON_BUFFER_CACHE.clear()
    gc.collect()


@pytest.fixture(scope="module")
def sampled(transformers: object) -> Iterator[Callable[[bool], float]]:
    """The peak of vLLM's V2 sampler in bytes a logit, with what its profile asks for or what its warm-up asks for."""
    with mock.patch.dict(os.environ, {"VLLM_LOGGING_LEVEL": "ERROR"}):
        torch, _ = pytest.importorskip("torch"), pytest.importorskip("vllm")
        from vllm import SamplingParams
        from vllm.triton_utils import triton
        from vllm.v1.sample.ops import topk_topp_sampler, topk_topp_triton
        from vllm.v1.worker.gpu import buffer_utils
        from vllm.v1.worker.gpu.input_batch import InputBatch, InputBuffers
        from vllm.v1.worker.gpu.sample.sampler import Sampler
        from vllm.v1.worker.gpu.states import RequestState

    patches = [
        mock.patch.object(module, name, _Kernel())
        for path, module in list(sys.modules.items())
        if path.startswith("vllm.v1.worker.gpu.")
        for name in vars(module)
        if name.endswith("_kernel")
    ]
    patches += [
        mock.patch.object(buffer_utils, "is_uva_available", return_value=False),
        mock.patch.object(triton, "next_power_of_2", lambda count: 1 << (count - 1).bit_length(), create=True),
        mock.patch.object(topk_topp_triton, "_topk_topp", _Kernel()),
        mock.patch.object(topk_topp_triton, "num_compute_units", return_value=UNITS),
        mock.patch.object(topk_topp_sampler, "HAS_TRITON", new=True),
        mock.patch.object(
            topk_topp_sampler, "apply_top_k_top_p_triton", topk_topp_triton.apply_top_k_top_p_triton, create=True
        ),
    ]
    for patch in patches:
        patch.start()
    cpu = torch.device("cpu")
    config = SimpleNamespace(reasoning_config=None, speculative_config=None)
    states = RequestState(ROWS, 64, 2 * ROWS, 0, VOCABULARY, cpu, 1, use_dense_all_token_ids=True)

    def peak(warm_up: bool) -> float:
        sampler, buffers = Sampler(config, ROWS, VOCABULARY, cpu, states), InputBuffers(ROWS, 2 * ROWS, cpu)
        for row in range(ROWS if warm_up else 0):
            sampler.add_request(row, SamplingParams.for_sampler_warmup())
        sampler.apply_staged_writes()
        batch, counter = InputBatch.make_dummy(ROWS, ROWS, buffers), _counter()
        _forget_rows()
        with counter:
            sampler(torch.zeros(ROWS, VOCABULARY, dtype=torch.bfloat16), batch)
        return counter.peak / (ROWS * VOCABULARY)

    yield peak
    for patch in patches:
        patch.stop()


@pytest.fixture(scope="module")
def verified(sampled: object) -> Iterator[Callable[[int], float]]:
    """The peak of vLLM's V1 sampler in bytes a request's logit, without drafts or with some for each request."""
    import torch
    from vllm.v1.sample import rejection_sampler
    from vllm.v1.sample.logits_processor import LogitsProcessors
    from vllm.v1.sample.metadata import SamplingMetadata
    from vllm.v1.sample.sampler import Sampler
    from vllm.v1.spec_decode.metadata import SpecDecodeMetadata

    kernels = ("_rejection_greedy_sample", "_rejection_random_sample", "_expand", "_sample_recovered_tokens")
    patches = [mock.patch.object(rejection_sampler, name, _Kernel()) for name in kernels]
    for patch in patches:
        patch.start()
    sampler = Sampler()
    sampler.topk_topp_sampler.forward = sampler.topk_topp_sampler.forward_native
    rejecting = rejection_sampler.RejectionSampler(sampler)

    def each(value: float) -> torch.Tensor:
        return torch.full((ROWS,), value)

    profiled = SamplingMetadata(
        temperature=each(0.5), all_greedy=False, all_random=False, top_p=each(0.9), top_k=each(VOCABULARY - 1), generators={},
        max_num_logprobs=None, logprob_token_ids=None, no_penalties=True, prompt_token_ids=None, frequency_penalties=each(0.1),
        presence_penalties=each(0.1), repetition_penalties=each(0.1), output_token_ids=[[]] * ROWS, spec_token_ids=[[]] * ROWS,
        allowed_token_ids_mask=None, bad_words_token_ids={}, logitsprocs=LogitsProcessors(),
    )  # fmt: skip

    def peak(drafts: int) -> float:
        counter = _counter()
        drafted = SpecDecodeMetadata.make_dummy([[0] * drafts] * ROWS, torch.device("cpu")) if drafts else None
        _forget_rows()
        with counter:
            logits = torch.zeros(ROWS * (1 + drafts), VOCABULARY, dtype=torch.bfloat16)
            if drafted is None:
                sampler(logits=logits, sampling_metadata=profiled)
            else:
                rejecting(drafted, None, logits, profiled)
        return counter.peak / (ROWS * VOCABULARY)

    yield peak
    for patch in patches:
        patch.stop()


def estimate(name: str, accelerator: str, release: str = "0.32.0", *, ranks: int = 1) -> Estimate | None:
    """An estimate of memory on an accelerator."""
    layout = Layout(tensor_parallel=ranks)
    where = EstimateScope(release=release, accelerator=CATALOG.accelerator(accelerator), gpus=spread_over(layout))
    return EstimatesFor(CATALOG, "vllm", where).find(f"memory.{name}")


@pytest.mark.vllm
def test_the_profile_samples_greedily(sampled: Callable[[bool], float]):
    """The logits in bf16 and next to nothing else, as `_dummy_sampler_run` of the installed release asks for."""
    row = estimate("logit_bytes", "h100-sxm")

    assert sampled(False) == pytest.approx(row.value, rel=0.01)
    assert row.low <= sampled(False) <= row.high


@pytest.mark.vllm
def test_the_warm_up_samples_with_everything(sampled: Callable[[bool], float]):
    """By Triton as on ROCm: logits in bf16 and fp32 and a row for each unit; FlashInfer adds its own instead of the rows."""
    counted = sampled(True)
    rocm, cuda = (estimate("served_logit_bytes", each) for each in ("mi300x", "h100-sxm"))

    assert counted == pytest.approx(2 + 4 + 4 * UNITS / ROWS, rel=0.01)
    assert rocm.low <= counted <= rocm.high
    assert counted - 4 * UNITS / ROWS + FLASHINFER_BYTES == pytest.approx(cuda.value, rel=0.01)


@pytest.mark.vllm
def test_drafts_are_verified_in_parts(transformers: object):
    """As many rows as the installed release copies to fp32 at once, for this vocabulary."""
    with mock.patch.dict(os.environ, {"VLLM_LOGGING_LEVEL": "ERROR"}):
        pytest.importorskip("vllm")
        from vllm.v1.worker.gpu.spec_decode.rejection_sampler import get_max_chunk_logits
    part = estimate("draft_verification", "h100-sxm")

    assert get_max_chunk_logits(VOCABULARY) * VOCABULARY * 4 == pytest.approx(part.value, rel=0.001)


@pytest.mark.vllm
@pytest.mark.parametrize("ranks", [2, 4, 8])
def test_logits_are_gathered_and_laid_out_again(transformers: object, ranks: int):
    """By tensor parallel: the rank's own part, all of them, and a copy in another order."""
    with mock.patch.dict(os.environ, {"VLLM_LOGGING_LEVEL": "ERROR"}):
        torch, _ = pytest.importorskip("torch"), pytest.importorskip("vllm")
        from vllm.distributed.device_communicators.base_device_communicator import DeviceCommunicatorBase
    group = SimpleNamespace(world_size=ranks, device_group=None)
    counter = _counter()
    with mock.patch("torch.distributed.all_gather_into_tensor"), counter:
        DeviceCommunicatorBase.all_gather(group, torch.zeros(ROWS, VOCABULARY // ranks, dtype=torch.bfloat16), -1)
    row = estimate("logit_bytes", "h100-sxm", ranks=ranks)

    assert counter.peak / (ROWS * VOCABULARY) == pytest.approx(4 + 2 / ranks, rel=0.01)
    assert row.low <= 4 + 2 / ranks <= row.high


@pytest.mark.vllm
def test_the_v1_runner_samples_by_a_threshold(verified: Callable[[int], float]):
    """Logits in bf16 and fp32, probabilities and noise, as it profiled until 0.28.0, and the rows that the threshold keeps."""
    row = estimate("logit_bytes", "h100-sxm", "0.28.0")

    assert verified(0) == pytest.approx(14 + 4 * UNITS / ROWS, rel=0.01)
    assert row.low <= verified(0) <= row.high


@pytest.mark.vllm
@pytest.mark.parametrize("drafts", [1, 3])
def test_the_v1_runner_verifies_all_drafts_at_once(verified: Callable[[int], float], drafts: int):
    """Each drafted token takes as much as the estimate says, and each request what is the same for any number of them."""
    row = estimate("draft_logit_bytes", "h100-sxm", "0.28.0")

    assert verified(drafts) == pytest.approx(VERIFIED_REQUEST_BYTES + drafts * row.value + 4 * UNITS / ROWS, rel=0.01)
    assert VERIFIED_REQUEST_BYTES + drafts * row.low <= verified(drafts) <= VERIFIED_REQUEST_BYTES + drafts * row.high


def budget(release: str = "0.32.0", accelerator: str = "h100-sxm", **changes: Any) -> MemoryBudget:
    """Scout on eight GPUs."""
    draft = changes.pop("draft", None)
    return memory_budget(
        SCOUT,
        None,
        CATALOG.accelerator(accelerator),
        replace(CONFIG, release=release, **changes),
        CATALOG.engine("vllm").at(release),
        draft=draft,
    )


def beyond(found: MemoryBudget) -> BudgetLine | None:
    """The line of the last stage."""
    return next((line for line in found.stages[-1].lines if line.name == SERVED_SAMPLING), None)


@pytest.mark.parametrize(
    ("release", "accelerator", "there"),
    [
        ("0.28.0", "h100-sxm", False), ("0.29.0", "h100-sxm", True), ("0.32.0", "h100-sxm", True), ("0.33.0", "h100-sxm", False),
        ("0.28.0", "mi300x", False), ("0.29.0", "mi300x", True), ("0.32.0", "mi300x", True), ("0.33.0", "mi300x", False),
    ],
)  # fmt: skip
def test_sampling_exceeds_the_profile_from_0_29_to_0_32(release: str, accelerator: str, there: bool):
    """Before, and since, the profile samples with top-k and top-p itself."""
    assert (beyond(budget(release, accelerator)) is not None) is there


def test_what_exceeds_the_profile_lies_beside_the_share_by_hand():
    """14 bytes for each logit of 1,024 requests and the hidden states, less the activations that were profiled."""
    found = budget()
    line, peaks = beyond(found), [each for each in found.lines if each.place == "peak"]
    hidden = 8192 * 5120 * 2

    assert line.place == "outside"
    assert line.bytes == 14 * 1024 * 202_048 + hidden - max(each.bytes for each in peaks)
    assert line.high == pytest.approx(14.5 * 1024 * 202_048 + hidden - max(each.low for each in peaks), abs=2)
    assert line.low < line.bytes < line.high
    others = sum(each.high for each in found.lines if each.place == "outside" and each.name != SERVED_SAMPLING)
    assert found.outside_bytes == others + line.high


def test_a_profile_that_takes_more_leaves_nothing_beside():
    """64 requests sample within what the step took."""
    assert beyond(budget(max_num_seqs=64)) is None


def test_the_last_stage_alone_samples():
    """Of two stages."""
    found = budget(layout=Layout(tensor_parallel=4, pipeline_parallel=2))

    assert [SERVED_SAMPLING in {line.name for line in stage.lines} for stage in found.stages] == [False, True]


@pytest.mark.parametrize(("ranks", "rows"), [(1, 2), (4, 4.5), (8, 4.25)])
def test_drafts_are_verified_with_the_logits_of_each_token(ranks: int, rows: float):
    """1,024 requests of 1 and 7 tokens: bf16 logits and a GiB in fp32 on one GPU, gathered twice on several; 0.33.0 profiles one each."""
    drafted = budget("0.33.0", draft_tokens=7, layout=Layout(tensor_parallel=ranks), max_num_batched_tokens=16_384)
    logits, hidden = 8192 * 202_048, 16_384 * 5120 * 2
    peak = max(each.bytes for each in drafted.lines if each.place == "peak")
    need = max(rows * logits, 2 * logits + 2**30)

    assert beyond(drafted).bytes == pytest.approx(need + hidden - peak, abs=2)
    assert beyond(budget("0.33.0", max_num_batched_tokens=16_384)) is None


def test_the_v1_runner_profiles_one_draft_a_request_and_verifies_all_later():
    """16 bytes of each of 256 requests and 14 of each drafted token; the profile drafts one, what three take lies beside the share."""
    once, thrice = (budget("0.28.0", draft_tokens=count, max_num_seqs=256) for count in (1, 3))
    logits, hidden = 256 * 202_048, 8192 * 5120 * 2
    peaks = {line.name: line.bytes for line in once.lines if line.place == "peak"}

    assert peaks["drafts verified"] == 30 * logits + hidden
    assert beyond(once) is None
    assert beyond(thrice).bytes == 58 * logits + hidden - max(peaks.values())
    assert beyond(budget("0.28.0", max_num_seqs=256)) is None
