"""The catalogue: all facts by id, and what an audit says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.facts.entries import Entries
from llama4ref.field_words import described

if TYPE_CHECKING:
    from llama4ref.facts.types.claims import CheckedClaim
    from llama4ref.facts.types.errata import CheckedErratum


@described
class Catalog(Entries):
    """Everything under `specs/`. Mappings are by id, in the order of the file names."""

    def claims(self) -> tuple[CheckedClaim, ...]:
        """Every published figure about a computed quantity, beside what follows from the facts."""
        from llama4ref.facts.audit.claim_checking import checked_claims

        return checked_claims(self)

    def checked_errata(self) -> tuple[CheckedErratum, ...]:
        """Every wrong value that public catalogues print, beside what the facts say."""
        from llama4ref.facts.audit.errata_checking import checked_errata

        return checked_errata(self)
