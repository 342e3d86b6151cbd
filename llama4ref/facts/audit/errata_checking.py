"""Do the facts still prove each erratum?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.errors import UnknownNameError
from llama4ref.facts.arithmetic.quantities import quantities
from llama4ref.facts.arithmetic.stored_bytes import checkpoint_bytes
from llama4ref.facts.types.errata import CheckedErratum
from llama4ref.facts.types.states import UNKNOWN, Unknown, is_stated

if TYPE_CHECKING:
    from llama4ref.facts.entries import Entries
    from llama4ref.facts.types.errata import Erratum, Plain, Reference


def checked_errata(catalog: Entries) -> tuple[CheckedErratum, ...]:
    """Every erratum beside what the facts say, in the order of the files.

    Raises:
        UnknownNameError: where one leans on a fact or quantity that is not there.

    Examples:
        >>> from llama4ref.facts import load
        >>> all(each.proven for each in checked_errata(load()))
        True
    """
    return tuple(checked_erratum(catalog, erratum) for erratum in catalog.errata.values())


def checked_erratum(catalog: Entries, erratum: Erratum) -> CheckedErratum:
    """One erratum beside what the facts say.

    Raises:
        UnknownNameError: where it leans on a fact or quantity that is not there.
    """
    said = erratum.said
    wrong = said.figure if said.stands_for is None else resolved(catalog, said.stands_for)
    right = resolved(catalog, erratum.ours)
    return CheckedErratum(erratum=erratum, wrong=wrong, right=right, proven=_excludes(erratum, wrong, right))


def resolved(catalog: Entries, reference: Reference) -> Plain | Unknown | None:
    """The value of a fact, or of a computed quantity; UNKNOWN for a fact that is not published, None for what is not there.

    Raises:
        UnknownNameError: where it is not there.
    """
    if reference.quantity is not None:
        computed = computed_quantities(catalog, reference.entity)
        if reference.quantity not in computed:
            raise UnknownNameError(f"quantity of {reference.entity}", reference.quantity, computed)
        return computed[reference.quantity]
    value = catalog.trace(reference.entity, reference.field or "").citations[0].value
    return ", ".join(map(str, value)) if isinstance(value, tuple) else value


def computed_quantities(catalog: Entries, entity: str) -> dict[str, int | float]:
    """What can be computed of a model or a checkpoint, by name.

    Raises:
        UnknownNameError: where there is no such model or checkpoint.
        UnknownFactError: for a checkpoint whose coverage is not published.
    """
    kind, _, id_ = entity.partition("/")
    if kind != "checkpoints":
        return quantities(catalog.model(id_))
    checkpoint = catalog.checkpoint(id_)
    model = catalog.model(checkpoint.model)
    stored, plain = checkpoint_bytes(model, checkpoint, catalog.formats), checkpoint_bytes(model, None, catalog.formats)
    return {"weights.bytes": stored, "weights.saved_percent": 100 * (plain - stored) / plain}


def _excludes(erratum: Erratum, wrong: Plain | Unknown | None, right: Plain | Unknown | None) -> bool:
    if erratum.should == "be_unpublished":
        return is_stated(wrong) and not is_stated(right)
    if wrong is None or wrong is UNKNOWN or right is None or right is UNKNOWN:
        return False
    slack = (erratum.said.step or 0) / 2
    if not _are_numbers(wrong, right):
        return erratum.should == "equal" and str(wrong).casefold() != str(right).casefold()
    difference = float(wrong) - float(right)
    if erratum.should == "at_most":
        return difference > slack
    if erratum.should == "at_least":
        return -difference > slack
    return abs(difference) > slack


def _are_numbers(*values: Plain) -> bool:
    return all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
