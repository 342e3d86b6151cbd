"""Accelerators: memory as an application sees it, dense rates, one-way links."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from llama4ref.facts.types.states import is_stated

if TYPE_CHECKING:
    from llama4ref.facts import Catalog

GIB = 2**30
MIB = 2**20
# "total capacity of … GiB" in PyTorch's out-of-memory messages, or total_memory of its device properties.
PRINTED_BY_PYTORCH = {
    "a100-sxm": "79.25",
    "h100-sxm": "79.11",
    "h100-nvl": "93.00",
    "h200-sxm": "139.80",
    "gh200": "94.50",
    "b200": "178.34",
    "b300": "267.69",
    "gb200": "184.31",
    "gb300": "276.50",
    "l4": "22.03",
    "l40s": "44.42",
    "rtx-4090": "23.52",
    "rtx-5090": "31.34",
    "rtx-pro-6000": "94.97",
    "mi300x": "191.98",
    "mi325x": "255.98",
    "mi355x": "287.98",
}
# MiB that nvidia-smi counts, a little more than an application gets.
COUNTED_BY_NVIDIA_SMI = {
    "a100-sxm": 81_920,
    "a100-40gb": 40_960,
    "l4": 23_034,
    "l40s": 46_068,
    "h100-sxm": 81_559,
    "b300": 275_040,
    "gb200": 189_471,
    "gb300": 284_208,
    "rtx-pro-6000": 97_887,
    "rtx-4090": 24_564,
}
CAPABILITIES = {
    "a100-sxm": 80,
    "l4": 89,
    "h100-sxm": 90,
    "b200": 100,
    "b300": 103,
    "gb300": 103,
    "rtx-pro-6000": 120,
    "mi300x": None,
}
ONE_WAY_LINK = {"a100-sxm": 300e9, "h100-sxm": 450e9, "h200-sxm": 450e9, "b200": 900e9, "gb200": 900e9, "mi300x": 448e9}


@pytest.mark.parametrize("accelerator", PRINTED_BY_PYTORCH)
def test_memory_is_what_pytorch_prints(catalog: Catalog, accelerator: str) -> None:
    """Feasibility is decided on what cudaMemGetInfo gives, not on the label."""
    memory = catalog.accelerator(accelerator).memory_bytes

    assert f"{memory / GIB:.2f}" == PRINTED_BY_PYTORCH[accelerator]


@pytest.mark.parametrize("accelerator", COUNTED_BY_NVIDIA_SMI)
def test_an_application_sees_a_little_less_than_nvidia_smi_counts(catalog: Catalog, accelerator: str) -> None:
    """The driver keeps up to a twentieth for itself."""
    memory = catalog.accelerator(accelerator).memory_bytes
    counted = COUNTED_BY_NVIDIA_SMI[accelerator] * MIB

    assert 0.95 * counted < memory < counted


def test_memory_never_exceeds_the_label(catalog: Catalog) -> None:
    """A label in GB is at most that many GiB."""
    for accelerator in catalog.accelerators.values():
        label = re.search(r"(\d+) ?Gi?B", accelerator.memory_advertised)
        if label:
            assert accelerator.memory_bytes <= int(label[1]) * GIB, accelerator.id


@pytest.mark.parametrize(("accelerator", "sparse"), [("h100-sxm", 1979e12), ("h200-sxm", 1979e12), ("l4", 242e12)])
def test_rates_with_sparsity_are_doubted(catalog: Catalog, accelerator: str, sparse: float) -> None:
    """PyTorch's table says it ignores sparsity, and does not."""
    words = catalog.cite(f"accelerators/{accelerator}", "peak.bf16")

    assert words[0].value == pytest.approx(sparse / 2, rel=0.001)
    assert [word.doubt for word in words if word.value == sparse] == ["with sparsity"]


def test_rates_double_with_each_halving_of_the_width(catalog: Catalog) -> None:
    """Dense tensor-core rates: FP8 is one or two times BF16, FP4 is two to four times FP8."""
    for accelerator in catalog.accelerators.values():
        peak = accelerator.peak
        if peak.bf16 and peak.fp8:
            assert 0.99 <= peak.fp8 / peak.bf16 <= 2.03, accelerator.id
        if peak.fp8 and peak.fp4:
            assert 1.99 <= peak.fp4 / peak.fp8 <= 4, accelerator.id


def test_observed_rates_stay_below_the_peak(catalog: Catalog) -> None:
    """The best observed multiplication reaches between half and nine tenths of the peak."""
    rates = [
        (accelerator.id, observed / peak)
        for accelerator in catalog.accelerators.values()
        for observed, peak in (
            (accelerator.measured.bf16, accelerator.peak.bf16),
            (accelerator.measured.fp8, accelerator.peak.fp8),
        )
        if observed and peak
    ]

    assert len(rates) >= 15
    assert all(0.5 < rate < 0.9 for _, rate in rates), rates


def test_int8_is_not_planned_on_blackwell_ultra(catalog: Catalog) -> None:
    """The generation gave up most of its INT8 rate; the table that says otherwise is doubted."""
    for accelerator in ("b300", "gb300"):
        int8, fp8 = catalog.accelerator(accelerator).peak.int8, catalog.accelerator(accelerator).peak.fp8

        assert is_stated(int8)
        assert is_stated(fp8)
        assert int8 < fp8 / 20


@pytest.mark.parametrize("accelerator", CAPABILITIES)
def test_compute_capability_compares_as_a_number(catalog: Catalog, accelerator: str) -> None:
    """A workstation Blackwell is 12.0, not 10.x; other vendors have none."""
    assert catalog.accelerator(accelerator).capability == CAPABILITIES[accelerator]


@pytest.mark.parametrize("accelerator", ONE_WAY_LINK)
def test_links_count_one_direction_of_one_device(catalog: Catalog, accelerator: str) -> None:
    """Vendors print both directions together."""
    assert catalog.accelerator(accelerator).link_bandwidth == ONE_WAY_LINK[accelerator]


@pytest.mark.gpu
def test_this_gpu_has_the_memory_that_the_specs_give(catalog: Catalog) -> None:
    """What the specs promise an application is there, and within a hundredth."""
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no GPU that torch can use")
    name = torch.cuda.get_device_name(0)
    called = [each for each in catalog.accelerators.values() if name in (each.driver_names or ())]
    if not called:
        pytest.skip(f"no spec is tied to {name}")
    _, total = torch.cuda.mem_get_info(0)

    promised = called[0].memory_bytes

    assert promised <= total < 1.01 * promised
