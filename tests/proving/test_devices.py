"""A record is kept under the accelerator that was measured, or not at all."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import ProofError
from llama4ref.proving.devices import accelerator_of

if TYPE_CHECKING:
    from llama4ref.facts import Catalog

GIB = 2**30
MIB = 2**20


@pytest.mark.parametrize(
    ("name", "accelerator"),
    [
        ("NVIDIA H100 80GB HBM3", "h100-sxm"),
        ("NVIDIA H100 PCIe", "h100-pcie"),
        ("NVIDIA H100 NVL", "h100-nvl"),
        ("NVIDIA H200", "h200-sxm"),
        ("NVIDIA GH200 480GB", "gh200"),
        ("NVIDIA A100-SXM4-80GB", "a100-sxm"),
        ("A100-SXM4-80GB", "a100-sxm"),
        ("NVIDIA A100 80GB PCIe", "a100-pcie"),
        ("NVIDIA A100-SXM4-40GB", "a100-40gb"),
        ("NVIDIA B200", "b200"),
        ("NVIDIA B300 SXM6 AC", "b300"),
        ("NVIDIA GB200", "gb200"),
        ("NVIDIA GB300", "gb300"),
        ("NVIDIA GB10", "dgx-spark"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "rtx-pro-6000"),
        ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", "rtx-pro-6000"),
        ("NVIDIA GeForce RTX 4090", "rtx-4090"),
        ("NVIDIA L4", "l4"),
        ("NVIDIA L40S", "l40s"),
        ("AMD Instinct MI300X", "mi300x"),
        ("AMD Instinct MI325 OAM", "mi325x"),
    ],
)
def test_the_drivers_name_leads_to_the_accelerator(catalog: Catalog, name: str, accelerator: str) -> None:
    """Boards of one family are told apart."""
    assert accelerator_of(name, catalog) == accelerator


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("NVIDIA H100", "h100"),
        ("NVIDIA H200 NVL", "h200"),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "rtx-4090"),
        ("NVIDIA GeForce RTX 4090 D", "rtx-4090"),
        ("NVIDIA GH200 144G HBM3e", "gh200"),
        ("NVIDIA A800-SXM4-80GB", "a100-sxm"),
        ("NVIDIA L40", "l4"),
        ("AMD Instinct MI308X", "mi300x"),
    ],
)
def test_another_product_is_refused_with_the_nearest(catalog: Catalog, name: str, nearest: str) -> None:
    """It may be near in name and have other memory, bandwidth or clocks."""
    with pytest.raises(ProofError, match=rf"no accelerator in the facts is called '{name}'.* \({nearest}") as error:
        accelerator_of(name, catalog)

    assert error.value.exit_code == 3


def test_a_name_unlike_all_is_told_which_file_to_add(catalog: Catalog) -> None:
    """A measurement without facts about its accelerator could not be compared."""
    with pytest.raises(ProofError, match=r"add its driver name, or specs/accelerators/quadro-p400\.yaml"):
        accelerator_of("Quadro P400", catalog)


@pytest.mark.parametrize(("mib", "fits"), [(81_559, True), (81_559 // 2, False), (97_871, False), (None, True)])
def test_the_memory_is_a_second_witness(catalog: Catalog, mib: int | None, fits: bool) -> None:
    """Half a GPU has the name of a whole one; a driver that counts nothing is believed by its name."""
    memory = None if mib is None else mib * MIB
    if fits:
        assert accelerator_of("NVIDIA H100 80GB HBM3", catalog, memory_bytes=memory) == "h100-sxm"
        return

    with pytest.raises(ProofError, match="a slice of one, or another product"):
        accelerator_of("NVIDIA H100 80GB HBM3", catalog, memory_bytes=memory)


def test_no_two_accelerators_have_one_name(catalog: Catalog) -> None:
    """Otherwise the first in the catalogue would win."""
    names = [name.casefold() for each in catalog.accelerators.values() for name in each.driver_names or ()]

    assert len(names) == len(set(names)) > 20


@pytest.mark.vllm
def test_vllm_knows_the_names_of_its_tuned_kernels(catalog: Catalog) -> None:
    """The files of its expert kernels carry the driver's name: every board here that they are for is found."""
    pytest.importorskip("vllm")
    found = importlib.util.find_spec("vllm")
    assert found is not None
    assert found.origin is not None
    folder = Path(found.origin).parent / "model_executor/layers/fused_moe/configs"
    tuned = {
        path.name.partition("device_name=")[2].partition(",")[0].removesuffix(".json") for path in folder.glob("*.json")
    }
    names = {name.replace(" ", "_") for each in catalog.accelerators.values() for name in each.driver_names or ()}

    assert {
        "NVIDIA_H100_80GB_HBM3",
        "NVIDIA_H100_PCIe",
        "NVIDIA_H200",
        "NVIDIA_A100-SXM4-80GB",
        "NVIDIA_A100_80GB_PCIe",
        "NVIDIA_B200",
        "NVIDIA_B300_SXM6_AC",
        "NVIDIA_GB200",
        "NVIDIA_GB10",
        "NVIDIA_L40S",
        "NVIDIA_GeForce_RTX_4090",
        "NVIDIA_RTX_PRO_6000_Blackwell_Server_Edition",
        "NVIDIA_RTX_PRO_6000_Blackwell_Workstation_Edition",
    } <= tuned & names
    assert {name for name in names if name.startswith("AMD_Instinct")} <= tuned
