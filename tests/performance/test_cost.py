"""What tokens cost, worked by hand."""

from __future__ import annotations

import pytest

from llama4ref.engine.layout import Layout
from llama4ref.errors import RequestError
from llama4ref.facts.types.providers import Offer
from llama4ref.performance import Workload, estimate, hosted_cost, rented_cost

WORKLOAD = Workload(prompt_tokens=3000, output_tokens=1000, concurrency=16, shared_prefix_tokens=2000)
OFFER = Offer(
    model="scout",
    name="scout",
    as_of="2026-01-01",
    status="listed",
    price_input=0.2,
    price_output=0.6,
    price_batch_input=0.1,
    price_batch_output=0.3,
    price_cache_read=0.05,
)


def test_cached_tokens_cost_the_price_of_a_read():
    """1,000 fresh tokens at 0.2, 2,000 cached at 0.05 and 1,000 written at 0.6 a million."""
    cost = hosted_cost(OFFER, WORKLOAD)

    assert cost.per_request == pytest.approx((1000 * 0.2 + 2000 * 0.05 + 1000 * 0.6) / 1e6)
    assert cost.per_million_output == pytest.approx(0.9)
    assert cost.per_million_tokens == pytest.approx(0.9 / 4)
    assert cost.as_of == "2026-01-01"


def test_the_batch_service_has_its_own_prices_and_no_cache():
    """3,000 tokens at 0.1 and 1,000 at 0.3 a million, and the reasons say why."""
    cost = hosted_cost(OFFER, WORKLOAD, batch=True)

    assert cost.per_request == pytest.approx((3000 * 0.1 + 1000 * 0.3) / 1e6)
    assert any("billed in full" in reason for reason in cost.reasons)


def test_images_are_billed_as_prompt():
    """147 tokens more."""
    more = hosted_cost(OFFER, WORKLOAD, image_tokens=147).per_request - hosted_cost(OFFER, WORKLOAD).per_request

    assert more == pytest.approx(147 * 0.2 / 1e6)


def test_an_offer_without_prices_has_no_cost():
    """Unknown stays unknown."""
    unpriced = Offer(model="scout", name="scout", as_of="2026-01-01", status="listed", price_input=0.2)

    assert hosted_cost(unpriced, WORKLOAD) is None


def test_every_priced_offer_of_the_catalogue_has_a_cost(catalog):
    """None is negative, and a larger workload is never cheaper."""
    larger = Workload(prompt_tokens=6000, output_tokens=2000, concurrency=16, shared_prefix_tokens=2000)
    offers = [offer for provider in catalog.providers.values() for offer in provider.offers]
    costs = [(hosted_cost(offer, WORKLOAD), hosted_cost(offer, larger)) for offer in offers]
    known = [(small, large) for small, large in costs if small is not None and large is not None]

    assert known
    assert all(0 <= small.per_request <= large.per_request for small, large in known)


def test_rented_gpus_cost_their_hours(scout, h100, catalog):
    """Eight GPUs at 2.5 dollars make 20 an hour, spread over what they write in it."""
    layout = Layout(tensor_parallel=8)
    performance = estimate(scout, None, h100, layout, WORKLOAD, catalog=catalog)
    cost = rented_cost(performance, layout, WORKLOAD, gpu_hour=2.5)
    an_hour = performance.output_throughput.value * 3600

    assert cost.hourly == 20
    assert cost.per_million_output == pytest.approx(20 / an_hour * 1e6)
    assert cost.per_million_tokens == pytest.approx(cost.per_million_output / 4)
    assert cost.per_request == pytest.approx(20 / an_hour * 1000)
    assert cost.per_million_output_low < cost.per_million_output < cost.per_million_output_high


@pytest.mark.parametrize("price", [0, -1.0, float("inf"), float("nan")])
def test_a_price_of_nothing_is_refused(scout, h100, catalog, price):
    """The message says what was found."""
    layout = Layout(tensor_parallel=8)
    performance = estimate(scout, None, h100, layout, WORKLOAD, catalog=catalog)

    with pytest.raises(RequestError, match="gpu_hour"):
        rented_cost(performance, layout, WORKLOAD, gpu_hour=price)
