"""A workload that contradicts itself is refused."""

from __future__ import annotations

import pytest

from llama4ref.errors import RequestError
from llama4ref.performance import Workload


@pytest.mark.parametrize(
    ("field", "size"),
    [
        ("prompt_tokens", 0),
        ("output_tokens", 0),
        ("concurrency", 0),
        ("requests", 0),
        ("images", -1),
        ("tiles_per_image", 0),
        ("shared_prefix_tokens", -1),
        ("prompt_tokens", True),
        ("output_tokens", 1.5),
    ],
)
def test_a_size_out_of_range_is_refused_by_name(field, size):
    """The message names the field and what was found."""
    with pytest.raises(RequestError) as caught:
        Workload(**{"prompt_tokens": 100, "output_tokens": 10, field: size})

    assert field in str(caught.value)
    assert repr(size) in str(caught.value)


def test_a_shared_prefix_leaves_a_token_of_the_prompt():
    """The engine computes at least the last token of every prompt."""
    with pytest.raises(RequestError, match="shared_prefix_tokens"):
        Workload(prompt_tokens=100, output_tokens=10, shared_prefix_tokens=100)

    assert Workload(prompt_tokens=100, output_tokens=10, shared_prefix_tokens=99).shared_prefix_tokens == 99


def test_no_concurrency_means_offline():
    """Without a number of clients the queue is never empty."""
    assert Workload(prompt_tokens=1, output_tokens=1, concurrency=None).offline
    assert not Workload(prompt_tokens=1, output_tokens=1).offline
