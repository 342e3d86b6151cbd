"""Layouts are split, and refused, as vLLM does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llama4ref.engine.layout import Layout, tensor_parallel_sizes
from llama4ref.errors import RequestError

if TYPE_CHECKING:
    from llama4ref.facts import Catalog


@pytest.mark.vllm
@pytest.mark.filterwarnings("ignore")
def test_layers_are_dealt_out_as_vllm_does(transformers) -> None:
    """Every number of layers over every number of stages."""
    pytest.importorskip("vllm")
    from vllm.distributed.utils import get_pp_indices

    for layers in range(1, 65):
        for stages in range(1, layers + 1):
            split = Layout(pipeline_parallel=stages).stages(layers)
            assert [(s.start, s.stop) for s in split] == [
                get_pp_indices(layers, rank, stages) for rank in range(stages)
            ]


@pytest.mark.parametrize("model", ["scout", "maverick"])
def test_tensor_parallel_sizes_of_llama_4(catalog: Catalog, model: str) -> None:
    """40 query heads and 8 KV heads leave four sizes."""
    assert tensor_parallel_sizes(catalog.model(model).architecture) == (1, 2, 4, 8)


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"tensor_parallel": 16}, "tensor_parallel 16 does not divide the 40 attention heads; use one of 1, 2, 4, 8"),
        (
            {"tensor_parallel": 5},
            "tensor_parallel 5 neither divides the 8 KV heads nor is a multiple; use one of 1, 2, 4, 8",
        ),
        ({"tensor_parallel": 40}, "tensor_parallel 40 does not divide the 8192 inner width"),
        (
            {"data_parallel": 3},
            "tensor_parallel x data_parallel = 3 does not divide the 8192 inner width of the routed",
        ),
        ({"pipeline_parallel": 49}, "pipeline_parallel 49 exceeds the 48 layers"),
    ],
)
def test_a_refusal_says_rule_and_numbers(catalog: Catalog, sizes: dict[str, int], said: str) -> None:
    """The message is what a person can act on."""
    with pytest.raises(RequestError) as refused:
        Layout(**sizes).check(catalog.model("scout").architecture)

    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not str(refused.value).endswith(".")


@pytest.mark.parametrize("size", [0, -1, True, 2.0, "2"])
def test_sizes_are_positive_whole_numbers(size: object) -> None:
    """Anything else is refused where it is written."""
    with pytest.raises(RequestError, match="tensor_parallel"):
        Layout(tensor_parallel=size)


def test_expert_parallelism_deals_out_experts_and_replicates_the_shared_one() -> None:
    """With TP and DP both at work every rank needs the whole shared expert."""
    dealt = Layout(tensor_parallel=4, data_parallel=2, expert_parallel=True)
    sliced = Layout(tensor_parallel=4, data_parallel=2)

    assert (dealt.gpus, dealt.ep_size, dealt.moe_tp_size, dealt.shared_expert_slices) == (8, 8, 1, 1)
    assert (sliced.gpus, sliced.ep_size, sliced.moe_tp_size, sliced.shared_expert_slices) == (8, 1, 8, 4)
    assert Layout(tensor_parallel=8, expert_parallel=True).shared_expert_slices == 8
    assert dealt.local_experts(16) == 2
    assert dealt.local_experts(9) == 2
