"""A plan with a draft head is proven with it where the head's shape is published, and otherwise the verdict says what is not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llama4ref.planning import Plan, PlanRequest, plan
from llama4ref.proving.model_files.draft_files import missing_of, write_draft
from llama4ref.proving.rungs.proof_configs import with_draft_files
from llama4ref.proving.rungs.proofs import prove
from llama4ref.proving.verdict import Agreement

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from llama4ref.facts import Catalog

PUBLISHED = "lmsys/sglang-EAGLE3-Llama-4-Scout-17B-16E-Instruct-v1"


def drafted(catalog: Catalog, model: str, head: str, **wish: object) -> Plan:
    """The best plan with a draft head."""
    request = PlanRequest(
        model=model, gpu="h200-sxm", count=8, context="128K", speculative=head, engine_release="0.32.0", **wish
    )
    best = plan(request, catalog).best
    assert isinstance(best, Plan)
    return best


def test_the_file_says_the_published_shape(catalog: Catalog, transformers: ModuleType, tmp_path: Path) -> None:
    """As transformers reads it."""
    draft = next(each for each in catalog.checkpoints.values() if each.is_called(PUBLISHED))
    assert draft.draft is not None
    write_draft(tmp_path, draft.draft, catalog.model("scout"))
    read = transformers.AutoConfig.from_pretrained(tmp_path)

    assert (read.num_hidden_layers, read.num_attention_heads, read.num_key_value_heads) == (1, 40, 8)
    assert (read.hidden_size, read.head_dim, read.intermediate_size) == (5120, 128, 32_768)
    assert (read.vocab_size, read.draft_vocab_size) == (202_048, 32_000)


@pytest.mark.parametrize(
    ("model", "head", "why"),
    [
        (
            "maverick",
            "nvidia/Llama-4-Maverick-17B-128E-Eagle3",
            "is not published: hidden_size, heads, kv_heads, head_dim, ",
        ),
        ("scout", "somebody/eagle3-head", "the facts do not have this draft head"),
    ],
)
def test_a_head_whose_shape_is_not_published_is_left_out_with_the_reason(
    catalog: Catalog, tmp_path: Path, model: str, head: str, why: str
) -> None:
    """Nothing is guessed."""
    best = drafted(catalog, model, head)
    config, (words,) = with_draft_files(best.config, best.model, catalog.engine("vllm"), tmp_path)

    assert why in words
    assert head in words
    assert "speculative-config" not in config.settings
    assert config.draft_tokens == 0


def test_every_head_of_the_facts_is_written_or_told(catalog: Catalog) -> None:
    """One of them is published today."""
    heads = [each for each in catalog.checkpoints.values() if each.draft is not None]

    assert PUBLISHED in {each.repository for each in heads if missing_of(each) is None}
    assert all("not published: " in str(missing_of(each)) for each in heads if missing_of(each) is not None)


@pytest.mark.vllm
@pytest.mark.slow
@pytest.mark.parametrize("wish", [{}, {"tensor_parallel": 4, "pipeline_parallel": 2}], ids=["one stage", "two stages"])
def test_vllm_accepts_the_head_and_plans_its_cache(catalog: Catalog, tmp_path: Path, wish: dict[str, object]) -> None:
    """Its own planner gives the predicted blocks and tokens, the head's layer among those that hold every token."""
    pytest.importorskip("vllm")
    best = drafted(catalog, "scout", PUBLISHED, **wish)
    verdict = prove(best, rung="accepted", directory=tmp_path)
    asked = json.loads((tmp_path / "question.json").read_text(encoding="utf-8"))["arguments"]

    assert verdict.holds, verdict
    assert {row.name: row.agreement for row in verdict.comparisons}["num_gpu_blocks"] == Agreement.EQUAL
    assert "--speculative-config" in asked
    assert not any("speculative-config" in note and "left out" in note for note in verdict.notes)
