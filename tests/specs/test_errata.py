"""Errata: wrong values that others print, each excluded by facts that do not come from the same place."""

from __future__ import annotations

import dataclasses
import datetime as dt
import inspect
from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import SpecErrors
from llama4ref.facts import load
from llama4ref.facts.audit.errata_checking import checked_erratum, resolved
from llama4ref.facts.loading import specs_folder
from llama4ref.facts.types.states import UNKNOWN, is_stated

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType
    from typing import Any

    from llama4ref.facts import Catalog
    from llama4ref.facts.types.errata import Erratum
    from llama4ref.facts.types.models import Model

CATALOG = load()


def _said(erratum: Erratum) -> tuple[str, str]:
    """Source and place of the wrong value."""
    first = CATALOG.cite(f"errata/{erratum.id}", "said.printed")[0]
    return first.source.id, first.at


def test_there_are_errata_of_many_publishers(catalog: Catalog) -> None:
    """Not one catalogue is wrong, but many."""
    publishers = {catalog.cite(f"errata/{id_}", "said.printed")[0].source.publisher for id_ in catalog.errata}

    assert len(catalog.errata) >= 20
    assert len(publishers) >= 15


@pytest.mark.parametrize("erratum", CATALOG.errata.values(), ids=CATALOG.errata)
class TestEveryErratum:
    """What must hold for each one."""

    def test_facts_exclude_what_is_said(self, erratum: Erratum, catalog: Catalog) -> None:
        """The wrong value and ours cannot both be right."""
        checked = checked_erratum(catalog, erratum)

        assert checked.proven
        assert checked.wrong != checked.right

    def test_the_right_value_would_not_count_as_wrong(self, erratum: Erratum, catalog: Catalog) -> None:
        """A source that printed ours would not be listed."""
        right = resolved(catalog, erratum.ours)
        said = dataclasses.replace(erratum.said, figure=right, stands_for=None)

        assert not checked_erratum(catalog, dataclasses.replace(erratum, said=said)).proven

    def test_ours_comes_from_elsewhere(self, erratum: Erratum, catalog: Catalog) -> None:
        """No word for our value stands where the wrong one does."""
        if erratum.ours.field is None:
            assert is_stated(resolved(catalog, erratum.ours))
            return
        words = catalog.cite(erratum.ours.entity, erratum.ours.field)

        assert words[0].doubt is None
        assert _said(erratum) not in {(word.source.id, word.at) for word in words if word.agrees}

    def test_model_is_the_one_of_our_fact(self, erratum: Erratum, catalog: Catalog) -> None:
        """An offer, a checkpoint or a model that proves it is one of the model that it is about."""
        kind, _, id_ = erratum.ours.entity.partition("/")
        offers = catalog.providers[id_].offers if kind == "providers" else ()
        of = {
            "providers": lambda: offers[int((erratum.ours.field or "").split(".")[1])].model,
            "checkpoints": lambda: catalog.checkpoint(id_).model,
            "models": lambda: id_,
        }.get(kind, lambda: erratum.model)

        assert of() == erratum.model

    def test_days_are_in_order(self, erratum: Erratum) -> None:
        """It was seen before it was looked at last."""
        checked = dt.date.fromisoformat(erratum.said.checked)

        assert erratum.said.first_seen is UNKNOWN or dt.date.fromisoformat(erratum.said.first_seen) <= checked


def test_offers_that_prove_an_erratum_doubt_its_value_where_they_quote_it(catalog: Catalog) -> None:
    """Where the offer itself keeps the wrong word as a disagreement, it marks it as not credible."""
    quoted = [
        word
        for erratum in catalog.errata.values()
        if erratum.ours.entity.startswith("providers/")
        for word in catalog.cite(erratum.ours.entity, erratum.ours.field or "")
        if word.source.id == _said(erratum)[0] and word.value == erratum.said.figure
    ]

    assert len(quoted) >= 5
    assert all(word.doubt for word in quoted)


def _specs_with(tmp_path: Path, old: str, new: str) -> Path:
    """A copy of the specs where one erratum says something else."""
    import shutil

    folder = tmp_path / "specs"
    shutil.copytree(specs_folder(), folder)
    file = folder / "errata" / "torchtitan-layers.yaml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "figure: 24",
            "figure: 48",
            r"torchtitan-layers.yaml:10 said.figure: found 48, expected a value that ours, 48, excludes",
        ),
        ("field: text.layers", "field: text.layer", "did you mean text.layers"),
        ("field: text.layers", "quantity: layers.mo", "did you mean layers.moe"),
        ("  field: text.layers\n", "", "a field or a quantity"),
        ("entity: models/scout", "entity: models/scot", "did you mean models/scout"),
        ("model: scout", "model: scot", "did you mean scout"),
        ("figure: 24", "figure: none", "the fact it stands for"),
    ],
)
def test_an_erratum_that_proves_nothing_does_not_build(tmp_path: Path, old: str, new: str, message: str) -> None:
    """A value that the facts allow, or a proof that leads nowhere, is a fault with its line."""
    with pytest.raises(SpecErrors, match=message):
        load(_specs_with(tmp_path, old, new))


@pytest.mark.vllm
class TestInstalledSoftware:
    """Errata about software, beside the release that is installed."""

    @pytest.mark.parametrize(
        ("erratum", "attribute", "unit"),
        [("pytorch-l4-bandwidth", "dram_bw_gbs", 1e9), ("pytorch-l4-bf16", "tops", 1e12)],
    )
    def test_pytorch_has_the_rates_of_another_device_for_an_l4(
        self, erratum: str, attribute: str, unit: float, catalog: Catalog
    ) -> None:
        """Its table of devices says what the erratum quotes, and no factor mends it."""
        torch = pytest.importorskip("torch")
        from torch._inductor.analysis import device_info

        device = device_info._device_mapping["NVIDIA L4"]
        stated = getattr(device, attribute)

        assert (stated[torch.bfloat16] if isinstance(stated, dict) else stated) * unit == catalog.erratum(
            erratum
        ).said.figure
        assert device.tops_sparsity_factor == 1

    def test_pytorch_corrected_the_h100(self, catalog: Catalog) -> None:
        """Beside the rate with sparsity stands the factor that it counts."""
        torch = pytest.importorskip("torch")
        from torch._inductor.analysis import device_info

        device = device_info._device_mapping["NVIDIA H100"]
        dense = device.tops[torch.bfloat16] * 1e12 / device.tops_sparsity_factor

        assert dense == pytest.approx(catalog.accelerator("h100-sxm").peak.bf16, rel=0.001)
        assert catalog.erratum("pytorch-h100-bf16").said.status == "corrected"

    @pytest.mark.parametrize(
        ("erratum", "part", "name"),
        [
            ("transformers-default-image-size", "vision_config", "image_size"),
            ("transformers-default-vision-width", "vision_config", "hidden_size"),
            ("transformers-default-vision-output", "vision_config", "vision_output_dim"),
            ("transformers-default-context", "text_config", "max_position_embeddings"),
        ],
    )
    def test_transformers_defaults_are_those_quoted(
        self, erratum: str, part: str, name: str, catalog: Catalog, transformers: ModuleType
    ) -> None:
        """A configuration made without arguments says it."""
        made = transformers.Llama4Config()

        assert getattr(getattr(made, part), name) == catalog.erratum(erratum).said.figure

    def test_vllm_names_a_later_release_in_its_log(self, catalog: Catalog) -> None:
        """The message is in the installed worker."""
        pytest.importorskip("vllm")
        from importlib.util import find_spec
        from pathlib import Path

        spec = find_spec("vllm")
        assert spec is not None
        assert spec.submodule_search_locations is not None
        code = (Path(spec.submodule_search_locations[0]) / "v1/worker/gpu_worker.py").read_text(encoding="utf-8")

        assert f'"v{catalog.erratum("vllm-cuda-graph-log").said.figure})' in code

    def test_accelerate_divides_all_parameters(
        self,
        catalog: Catalog,
        transformers: ModuleType,
        published_configuration: Callable[[Model], dict[str, Any]],
    ) -> None:
        """Its own arithmetic on the published architecture gives the size that the erratum quotes."""
        torch = pytest.importorskip("torch")
        utils = pytest.importorskip("accelerate.utils")
        from accelerate.commands import estimate

        described = published_configuration(catalog.model("scout"))
        described.pop("architectures")
        with torch.device("meta"):
            model = transformers.Llama4ForConditionalGeneration(transformers.Llama4Config(**described))
        total, _ = utils.calculate_maximum_sizes(model.float())

        assert total / 8 == pytest.approx(catalog.erratum("accelerate-scout-int4").said.figure, rel=1e-3)
        assert "dtype_total_size /= 8" in inspect.getsource(estimate.gather_data)
