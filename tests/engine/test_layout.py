"""Layouts are split, and refused, as vLLM does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING
from unittest import mock

import pytest

from llama4ref.engine.layout import Layout, tensor_parallel_sizes
from llama4ref.errors import RequestError
from llama4ref.proving.model_files.torch_companions import repair_torch_companions

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


@pytest.mark.parametrize(("model", "data_parallel"), [("scout", 2), ("maverick", 16)])
def test_no_rank_goes_without_an_expert(catalog: Catalog, model: str, data_parallel: int) -> None:
    """As many ranks as experts are accepted, one replica more is refused, with both numbers."""
    architecture = catalog.model(model).architecture
    full = Layout(tensor_parallel=8, data_parallel=data_parallel, expert_parallel=True)
    more = Layout(tensor_parallel=8, data_parallel=data_parallel + 1, expert_parallel=True)

    assert full.refusals(architecture) == ()
    (refusal,) = more.refusals(architecture)
    assert f"{more.ep_size} expert-parallel ranks" in refusal
    assert f"{architecture.experts.count} routed experts" in refusal


@pytest.mark.vllm
@pytest.mark.parametrize(("ranks", "rank"), [(4, 0), (4, 3), (5, 3), (5, 4), (8, 0), (8, 4), (8, 7)])
def test_a_rank_without_an_expert_fails_to_load(transformers, ranks: int, rank: int) -> None:
    """vLLM's own loader of the fused experts raises on ranks that its own expert map leaves empty, and on no other."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("vllm")
    repair_torch_companions()
    from vllm.model_executor.layers.fused_moe.expert_map_manager import determine_expert_map
    from vllm.model_executor.models.llama4 import Llama4Model

    experts = 4
    held, expert_map, _ = determine_expert_map(ranks, rank, experts)
    name = "layers.0.feed_forward.experts.down_proj"
    loaded: list[int] = []
    parameter = SimpleNamespace(weight_loader=lambda *_, expert_id, **__: loaded.append(expert_id) or True)
    model = SimpleNamespace(
        layers=[SimpleNamespace(feed_forward=SimpleNamespace(experts=SimpleNamespace(expert_map=expert_map)))]
    )
    mapping = [("experts.w2_", "experts.0.down_proj.", 0, "w2")]

    def load() -> None:
        with mock.patch("vllm.model_executor.models.llama4.is_pp_missing_parameter", return_value=False):
            Llama4Model.load_moe_expert_weights(
                model,
                name,
                torch.zeros(experts, 8, 8),
                {name.replace("down_proj", "w2_weight"): parameter},
                set(),
                mapping,
            )

    if held:
        load()
        assert loaded == [expert_map.tolist().index(0)]
    else:
        with pytest.raises(IndexError):
            load()
