"""Things side by side, what sources dispute, and what nobody published."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import RequestError, UnknownNameError
from llama4ref.facts.queries.comparing import compared, disagreements, unknowns
from llama4ref.facts.types.states import UNKNOWN

if TYPE_CHECKING:
    from llama4ref.facts import Catalog


def test_models_differ_where_they_should(catalog: Catalog) -> None:
    """Experts, steps, norms and limits differ; widths and heads do not."""
    fields = {each.field: each for each in compared(catalog, ["models/scout", "models/maverick"])}
    differ = {each.field for each in compared(catalog, ["models/scout", "models/maverick"], only_differences=True)}

    assert {"experts.count", "experts.interleave_step", "attention.qk_norm"} <= differ
    assert not {"text.layers", "text.hidden_size", "attention.heads"} & differ
    assert fields["text.hidden_size"].values == (5120, 5120)
    assert fields["context.instruct_max_position_embeddings"].values == (10_485_760, 1_048_576)


def test_a_field_that_one_lacks_is_kept(catalog: Catalog) -> None:
    """Scout scales its rotary frequencies, Maverick does not."""
    fields = {each.field: each for each in compared(catalog, ["models/scout", "models/maverick"])}
    scaling = fields["rope.scaling.factor"]

    assert scaling.leaves[1] is None
    assert scaling.values == (16, None)
    assert not scaling.is_same


def test_unknown_and_none_are_not_the_same(catalog: Catalog) -> None:
    """One says that there is nothing and the other that nobody said."""
    fields = compared(catalog, [f"accelerators/{id_}" for id_ in catalog.accelerators])
    fp4 = next(each for each in fields if each.field == "peak.fp4")
    states = {
        (each, leaf.state) for each, leaf in zip(fp4.values, fp4.leaves, strict=True) if leaf and leaf.state != "known"
    }

    assert states == {(None, "none"), (UNKNOWN, "unknown")}


def test_disputed_values_are_marked(catalog: Catalog) -> None:
    """The peak of an H100 is disputed by a table that counts sparsity."""
    fields = {each.field: each for each in compared(catalog, ["accelerators/h100-sxm", "accelerators/mi350x"])}

    assert fields["peak.bf16"].disputed == (True, False)


@pytest.mark.parametrize("entities", [[], ["models/scout"], ["models/scout", "accelerators/l4"]])
def test_what_cannot_be_compared_is_refused(catalog: Catalog, entities: list[str]) -> None:
    """Fewer than two, or two kinds."""
    with pytest.raises(RequestError, match="two or more things of one kind"):
        compared(catalog, entities)


def test_a_misspelt_entity_is_refused(catalog: Catalog) -> None:
    """With the nearest name."""
    with pytest.raises(UnknownNameError, match="did you mean models/scout"):
        compared(catalog, ["models/scuot", "models/maverick"])


def test_disagreements_keep_who_says_what(catalog: Catalog) -> None:
    """Every one has a preferred word, another one, and a reason."""
    found = disagreements(catalog)

    assert len(found) > 100
    for each in found:
        assert each.preferred.agrees
        assert each.others
        assert all(word.value != each.preferred.value for word in each.others), (each.entity, each.field)
        assert each.leaf.because


def test_credible_disagreements_have_a_word_that_nobody_doubts(catalog: Catalog) -> None:
    """What is only contradicted by slips is left out."""
    everything, credible = disagreements(catalog), disagreements(catalog, credible=True)

    assert 0 < len(credible) < len(everything)
    assert ("accelerators/l4", "peak.bf16") in {(each.entity, each.field) for each in everything}
    assert ("accelerators/l4", "peak.bf16") not in {(each.entity, each.field) for each in credible}


def test_disagreements_and_unknowns_of_one_entity(catalog: Catalog) -> None:
    """Only its own."""
    assert {each.entity for each in disagreements(catalog, "providers/azure-ai-foundry")} == {
        "providers/azure-ai-foundry"
    }
    assert ("models/behemoth", "text") in {(each.entity, each.field) for each in unknowns(catalog, "models/behemoth")}
    with pytest.raises(UnknownNameError):
        unknowns(catalog, "models/behemot")
