"""A use of a licensed model: who wants to do what, where, and with which conditions kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Who = Literal["individual", "company"]
Role = Literal["licensee", "end_user"]
Offering = Literal["internal", "weights", "hosted_api", "product"]
Training = Literal["materials", "outputs"]

WHO: tuple[Who, ...] = ("individual", "company")
ROLES: tuple[Role, ...] = ("licensee", "end_user")
OFFERINGS: tuple[Offering, ...] = ("internal", "weights", "hosted_api", "product")
TRAINING: tuple[Training, ...] = ("materials", "outputs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Who wants to do what. `None` is not known yet and gives an open question where it matters."""

    who: Who
    """A person, or a company."""
    domicile: str
    """Where a person is domiciled, or a company has its principal place of business: ISO 3166-1 alpha-2, `EU` or `EEA`."""
    offering: Offering = "internal"
    """`internal` use only, `weights` passed on, a `hosted_api`, or a `product` with the model inside."""
    role: Role = "licensee"
    """`end_user` of someone's product or service, or `licensee`: whoever uses the materials themselves."""
    monthly_users: int | None = None
    """Monthly active users, affiliates counted, in the calendar month before the release (`month_counted`)."""
    received_in_product: bool = False
    """Whether the materials came inside an integrated end user product of another licensee."""
    copies_shipped: bool | None = None
    """Whether a product carries copies of the weights to its users; weights always do, a hosted API and internal use never."""
    via_hosted_api: bool = False
    """Whether the model is reached through someone else's hosted API, so that no weights are held."""
    image_input: bool = False
    """Whether images are used as input."""
    trains_with: Training | None = None
    """What creates, trains, fine-tunes or improves another model, if anything."""
    derived_model_offered: bool = False
    """Whether that model is distributed or made available."""
    derived_model_name: str | None = None
    """Its name."""
    derived_model_is_llama: bool = True
    """Whether that model is itself a derivative of the licensed one, as a fine-tune is."""
    shows_attribution: bool | None = None
    """Whether the words of the attribution are shown."""
    ships_license: bool | None = None
    """Whether a copy of the licence goes along."""
    ships_notice: bool | None = None
    """Whether the Notice file goes along."""
    uses_marks: bool = False
    """Whether names or marks of the licensor are used beyond the required word."""
    purposes: tuple[str, ...] = ()
    """Names of banned purposes that the use touches (`banned_purposes`)."""
