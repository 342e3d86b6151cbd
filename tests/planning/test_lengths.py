"""How many tokens does one request take: the text of its prompt, its images and its reply?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llama4ref import PlanRequest, plan
from llama4ref.planning.lengths import lengths_of
from llama4ref.planning.outcomes import Plan

if TYPE_CHECKING:
    from llama4ref.facts import Catalog

LARGEST = 2_467
"""Tokens of an image of 16 tiles and a global one: 17 x 144 visual tokens, 16 separators, 3 marks."""
ONE_TILE = 147


@pytest.mark.parametrize(
    ("wish", "least", "stated", "longest"),
    [
        ({}, 1, None, None),
        ({"prompt_tokens": 1_000}, 1_001, None, None),
        ({"output_tokens": 1_000}, 1_001, None, None),
        ({"prompt_tokens": 1_000, "output_tokens": 24}, 1_024, 1_024, 1_024),
        ({"images": 1}, LARGEST + 2, None, None),
        ({"images": 2, "context": 8_192}, 2 * LARGEST + 2, None, 8_192),
        ({"images": 5, "prompt_tokens": 1_000, "output_tokens": 100}, *3 * (1_100 + 5 * LARGEST,)),
        ({"images": 5, "image_size": "336x336", "prompt_tokens": 1_000, "output_tokens": 100}, *3 * (1_100 + 5 * ONE_TILE,)),
        ({"prompt_tokens": 1_000, "output_tokens": 24, "context": 8_192}, 1_024, 1_024, 8_192),
    ],
)  # fmt: skip
def test_a_request_takes_its_text_its_images_and_its_reply(
    catalog: Catalog, wish: dict[str, int], least: int, stated: int | None, longest: int | None
):
    """An image of unknown size counts as one of the most tiles."""
    found = lengths_of(PlanRequest(**wish), catalog.model("scout").architecture)

    assert (found.least, found.stated, found.longest) == (least, stated, longest)


@pytest.mark.parametrize("images", [1, 5, 8])
def test_every_context_holds_the_images(catalog: Catalog, images: int):
    """Beside prompt and reply, whether the context is given or follows from them."""
    needed = 700 + images * LARGEST
    for wish in ({}, {"context": needed + 1_000}):
        request = PlanRequest(
            model="scout", gpu="h200-sxm", count=8, prompt_tokens=500, output_tokens=200, images=images, **wish
        )
        for each in plan(request, catalog).plans:
            assert isinstance(each, Plan)
            assert each.context == each.settings["max-model-len"] >= needed


def test_concurrency_counts_the_images(catalog: Catalog):
    """So many requests with images fit as memory holds, not as their text would."""
    wish = {
        "model": "scout",
        "gpu": "h100-sxm",
        "count": 4,
        "prompt_tokens": 500,
        "output_tokens": 200,
        "min_weight_bits": 16,
    }
    text, images = (plan(PlanRequest(images=count, **wish), catalog).best for count in (0, 8))
    assert isinstance(text, Plan)
    assert isinstance(images, Plan)
    cache = images.budget.cache
    held = cache.requests_held(700 + 8 * LARGEST, images.budget.kv_cache_at_least_bytes)
    accepted = plan(PlanRequest(images=8, concurrency=held // 2, **wish), catalog).best
    refused = plan(PlanRequest(images=8, concurrency=10 * held, **wish), catalog)

    assert text.max_concurrency > 10 * images.max_concurrency
    assert isinstance(accepted, Plan)
    assert not refused.plans
    assert any(each.rule == "concurrency" and "20,436 tokens" in each.numbers for each in refused.refused)


@pytest.mark.parametrize(("images", "context"), [(1_000, "4K"), (2, "4K"), (10**15, "1M")])
def test_images_that_no_context_holds_are_refused(catalog: Catalog, images: int, context: str):
    """At once, with what they take."""
    result = plan(PlanRequest(model="scout", gpu="h200-sxm", count=1, images=images, context=context), catalog)
    (refusal,) = result.refused

    assert not result.plans
    assert refusal.rule == "images-above-context"
    assert f"{images:,} images of 2,467 tokens each (16 tiles and a global one)" in refusal.numbers


def test_images_above_the_models_positions_are_refused(catalog: Catalog):
    """Maverick has 1,048,576; 500 of the largest images take more."""
    result = plan(PlanRequest(model="maverick", gpu="h200-sxm", count=8, images=500), catalog)

    assert [each.rule for each in result.refused] == ["context-above-model"]
    assert "1,233,502 tokens asked for, 500 images of 2,467 tokens each" in result.refused[0].numbers


def test_small_images_need_less(catalog: Catalog):
    """Where the request says their size."""
    wish = {"model": "scout", "gpu": "h200-sxm", "count": 1, "images": 10, "context": "4K"}

    assert not plan(PlanRequest(**wish), catalog).plans
    assert plan(PlanRequest(image_size="336x336", **wish), catalog).plans


def test_speed_is_stated_for_the_same_images(catalog: Catalog):
    """Of as many tiles as the lengths count."""
    wish = {"model": "scout", "gpu": "h200-sxm", "count": 8, "images": 2, "context": "16K"}
    for size, tiles in (({}, 16), ({"image_size": "672x336"}, 2), ({"image_size": "300x300"}, 1)):
        best = plan(PlanRequest(**wish, **size), catalog).best
        assert isinstance(best, Plan)
        assert best.workload is not None
        assert (best.workload.images, best.workload.tiles_per_image) == (2, tiles)


@pytest.mark.parametrize(
    "wish",
    [
        {"context": 8_191, "output_tokens": 8_000},
        {"context": 2_048, "prompt_tokens": 2_000},
        {"context": 1_500},
        {"context": 8_192, "images": 3},
        {"context": 2},
        {},
    ],
)
def test_speed_is_stated_for_requests_that_the_context_holds(catalog: Catalog, wish: dict[str, int]):
    """Lengths that nobody gave shrink to the room there is."""
    for each in plan(PlanRequest(model="scout", gpu="b200", count=8, **wish), catalog).plans:
        assert isinstance(each, Plan)
        assert each.workload is not None
        images = lengths_of(PlanRequest(**wish), each.model.architecture).images_tokens
        assert each.workload.prompt_tokens + each.workload.output_tokens + images <= each.context
