"""Layouts of formats agree with the libraries that write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llama4ref.facts.arithmetic.stored_bytes import matrix_bytes

if TYPE_CHECKING:
    from llama4ref.facts import Catalog

# Bytes of one block and elements in it, from the static assertions of ggml-common.h.
GGML_BLOCKS = {
    "gguf-q8-0": (34, 32),
    "gguf-q6-k": (210, 256),
    "gguf-q5-k": (176, 256),
    "gguf-q4-k": (144, 256),
    "gguf-q3-k": (110, 256),
    "gguf-q2-k": (84, 256),
    "gguf-iq4-xs": (136, 256),
}


@pytest.mark.parametrize("format_", GGML_BLOCKS)
def test_gguf_tensor_types_have_the_block_size_of_ggml(catalog: Catalog, format_: str) -> None:
    """A matrix of whole blocks takes that many blocks."""
    size, elements = GGML_BLOCKS[format_]

    assert matrix_bytes(catalog.format(format_), 3, 8 * elements) == 3 * 8 * size


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("format_", "double"), [("nf4", False), ("nf4-double-quant", True)])
def test_nf4_takes_what_bitsandbytes_stores(catalog: Catalog, format_: str, double: bool) -> None:
    """Packed elements and maxima of a real matrix; the fixed tables of values are not counted."""
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("bitsandbytes.functional")
    packed, state = functional.quantize_4bit(
        torch.zeros(96, 588, dtype=torch.bfloat16), quant_type="nf4", compress_statistics=double
    )
    maxima = [state.absmax] + ([state.state2.absmax] if double else [])

    assert matrix_bytes(catalog.format(format_), 96, 588) == packed.nbytes + sum(tensor.nbytes for tensor in maxima)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("format_", "dtype"), [("mxfp8", "float8_e4m3fn"), ("nvfp4", "float8_e4m3fn"), ("bf16", "bfloat16")]
)
def test_element_and_scale_bits_are_those_of_torch(catalog: Catalog, format_: str, dtype: str) -> None:
    """A byte is a byte: the dtype that the format names has the bits that the format says."""
    torch = pytest.importorskip("torch")
    format_of = catalog.format(format_)
    bits = format_of.scale.bits if format_ == "nvfp4" else format_of.element.bits

    assert torch.finfo(getattr(torch, dtype)).bits == bits


@pytest.mark.filterwarnings("ignore")
def test_scale_dtypes_exist_in_torch_and_have_the_stated_bits(catalog: Catalog) -> None:
    """Every scale whose dtype torch knows."""
    torch = pytest.importorskip("torch")
    scales = [format_.scale for format_ in catalog.formats.values() if format_.scale and format_.scale.dtype != "mixed"]

    assert scales
    assert all(getattr(torch, scale.dtype).itemsize * 8 == scale.bits for scale in scales)


def test_float_formats_have_a_sign_exponent_and_mantissa(catalog: Catalog) -> None:
    """The parts of a float add up; other kinds have none."""
    for format_ in catalog.formats.values():
        element = format_.element
        if element.kind == "float":
            assert 1 + element.exponent_bits + element.mantissa_bits == element.bits
        else:
            assert element.exponent_bits is element.mantissa_bits is None


def test_only_mixes_are_known_on_average(catalog: Catalog) -> None:
    """Every other format has an exact layout."""
    assert {f.id for f in catalog.formats.values() if f.average_bits is not None} == {
        f.id for f in catalog.formats.values() if f.element.kind == "mix"
    }


@pytest.mark.vllm
@pytest.mark.filterwarnings("ignore")
def test_methods_are_names_that_vllm_knows(catalog: Catalog, transformers) -> None:
    """Except bitsandbytes, which lives in a plugin since 0.28, and having no method."""
    pytest.importorskip("vllm")
    from vllm.config.quantization import ONLINE_QUANT_SHORTHAND_NAMES
    from vllm.model_executor.layers.quantization import QUANTIZATION_METHODS

    named = {method for format_ in catalog.formats.values() for method in format_.vllm_methods}
    assert named - {"unquantized", "bitsandbytes"} <= {*QUANTIZATION_METHODS, *ONLINE_QUANT_SHORTHAND_NAMES}
