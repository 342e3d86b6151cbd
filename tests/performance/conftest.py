"""What the tests of performance share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llama4ref.performance.stored_model import shapes_of, stored_in

if TYPE_CHECKING:
    from llama4ref.facts import Catalog
    from llama4ref.facts.types.accelerators import Accelerator
    from llama4ref.facts.types.models import Model
    from llama4ref.performance.stored_model import Shapes, Stored


@pytest.fixture(scope="session")
def scout(catalog: Catalog) -> Model:
    """Llama 4 Scout."""
    return catalog.model("scout")


@pytest.fixture(scope="session")
def maverick(catalog: Catalog) -> Model:
    """Llama 4 Maverick."""
    return catalog.model("maverick")


@pytest.fixture(scope="session")
def h100(catalog: Catalog) -> Accelerator:
    """One of the accelerators with measurements."""
    return catalog.accelerator("h100-sxm")


@pytest.fixture(scope="session")
def scout_shapes(scout: Model) -> Shapes:
    """Widths and counts of Scout."""
    return shapes_of(scout)


@pytest.fixture(scope="session")
def plain(scout: Model, h100: Accelerator, catalog: Catalog) -> Stored:
    """Everything in bfloat16."""
    return stored_in(scout, None, h100, catalog)
