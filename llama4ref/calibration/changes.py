"""What a fit changes: one row of estimates before and after, with the records that moved it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llama4ref.facts.types.estimates import EstimateRow, EstimateUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row that the records set otherwise than the specs do."""

    estimates: str
    """Id of the estimates."""
    field: str
    """Field of the quantity, such as `memory.libraries`."""
    index: int
    """Index of the row; that of a new row is the number of rows there were."""
    unit: EstimateUnit
    old: EstimateRow | None
    """As the specs have it; None where the row is new."""
    new: EstimateRow
    moved_by: tuple[str, ...]
    """Records that were not in its basis, or that its bounds did not hold."""
    sources: tuple[str, ...]
    """Ids of the sources of its basis."""

    @property
    def place(self) -> str:
        """The field of the row in its file."""
        return f"{self.field}.rows.{self.index}"
