"""What people write is taken for what it can mean alone, and otherwise the nearest names are offered."""

from __future__ import annotations

import pytest

from llama4ref.errors import UnknownNameError
from llama4ref.facts import Catalog
from llama4ref.names import containing, meant, nearest_names


@pytest.mark.parametrize(
    ("written", "first"),
    [
        ("h200", "h200-sxm"),
        ("h20", "h200-sxm"),
        ("mi300", "mi300x"),
        ("rtx4090", "rtx-4090"),
        ("RTX 4090", "rtx-4090"),
        ("l40", "l40s"),
    ],
)
def test_the_nearest_accelerator_is_the_one_people_mean(catalog: Catalog, written: str, first: str):
    """Words in common count before likeness of letters."""
    assert nearest_names(written, catalog.accelerators)[0] == first


def test_another_number_is_not_near(catalog: Catalog):
    """An A100 with 80 GB is not the one with 40 GB, however alike they are written."""
    assert set(nearest_names("a100-80gb", catalog.accelerators)[:2]) == {"a100-sxm", "a100-pcie"}


def test_a_slip_of_the_pen_is_nearer_than_a_name_with_more_words_in_common():
    """`text.layer` is `text.layers`."""
    assert nearest_names("text.layer", ["text.norms_per_layer", "text.layers"])[0] == "text.layers"


@pytest.mark.parametrize(
    ("written", "known", "found"),
    [
        ("h200", ["gh200", "h200-sxm"], "h200-sxm"),
        ("H200-SXM", ["gh200", "h200-sxm"], "h200-sxm"),
        ("h200sxm", ["gh200", "h200-sxm"], None),
        ("H200 SXM", ["h200-sxm-141gb", "h200-sxm"], "h200-sxm"),
        ("h100", ["h100-sxm", "h100-pcie"], None),
        ("rtx pro 6000", ["rtx-pro-6000", "rtx-4090"], "rtx-pro-6000"),
        ("vllm-0.10.2", ["vllm", "sglang"], None),
        ("", ["vllm"], None),
        ("--", ["vllm"], None),
        ("x" * 10_000, ["vllm"], None),
    ],
)
def test_only_what_can_mean_one_thing_is_taken_for_it(written: str, known: list[str], found: str | None):
    """And nothing with a word that no name has."""
    assert meant(written, known) == found


def test_many_names_with_the_word_are_listed(catalog: Catalog):
    """Not some of another kind that are spelt alike."""
    message = str(UnknownNameError("checkpoint", "fp8", catalog.checkpoints))
    having = containing("fp8", catalog.checkpoints)

    assert f"{len(having)} have that in their name: {having[0]}, " in message
    assert len(message) < 500


def test_a_message_repeats_little_of_what_was_written():
    """However long it was, and with nothing that a terminal acts on."""
    message = str(UnknownNameError("model", "x\x1b[31m" * 5_000, ["scout"]))

    assert len(message) < 250
    assert "\x1b" not in message


def test_where_there_are_no_names_that_is_said():
    """Instead of an empty list."""
    assert str(UnknownNameError("engine", "vllm", [])) == "no engine is named 'vllm'; there are none"
