"""A use of a licensed model: who wants to do what, where, and with which conditions kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from llama4ref.errors import RequestError
from llama4ref.field_words import described

Who = Literal["individual", "company"]
Role = Literal["licensee", "end_user"]
Offering = Literal["internal", "weights", "hosted_api", "product"]
Training = Literal["materials", "outputs"]

WHO: tuple[Who, ...] = ("individual", "company")
ROLES: tuple[Role, ...] = ("licensee", "end_user")
OFFERINGS: tuple[Offering, ...] = ("internal", "weights", "hosted_api", "product")
TRAINING: tuple[Training, ...] = ("materials", "outputs")


@described
@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Who wants to do what. `None` is not known yet and gives an open question where it matters.

    Raises:
        RequestError: for a value that is none of those named, or two that cannot both be true.
    """

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

    def __post_init__(self) -> None:
        self._check_types()
        for both, why in _CONTRADICTIONS:
            if both(self):
                raise RequestError(why)

    def _check_types(self) -> None:
        for name, words in (("who", WHO), ("role", ROLES), ("offering", OFFERINGS), ("trains_with", (*TRAINING, None))):
            value = getattr(self, name)
            if value not in words:
                raise RequestError(f"{name}: found {value!r}, expected one of {', '.join(map(str, words))}")
        for name in _YES_OR_NO:
            value = getattr(self, name)
            if not isinstance(value, bool) and (value is not None or name not in _OR_NOT_SAID):
                raise RequestError(f"{name}: found {value!r}, expected true or false")
        users = self.monthly_users
        if users is not None and (isinstance(users, bool) or not isinstance(users, int) or users < 0):
            raise RequestError(f"monthly_users: found {users!r}, expected a whole number of at least 0")
        for name in ("domicile", "derived_model_name"):
            value = getattr(self, name)
            if not isinstance(value, str) and (value is not None or name == "domicile"):
                raise RequestError(f"{name}: found {value!r}, expected text")


_OR_NOT_SAID = ("copies_shipped", "shows_attribution", "ships_license", "ships_notice")
_YES_OR_NO = (
    "received_in_product", "via_hosted_api", "image_input", "derived_model_offered", "derived_model_is_llama", "uses_marks",
    *_OR_NOT_SAID,
)  # fmt: skip

_CONTRADICTIONS: tuple[tuple[Callable[[Use], object], str], ...] = (
    (
        lambda use: use.role == "end_user" and use.offering != "internal",
        "role: who makes something available is a licensee and no end user; leave out role or offering",
    ),
    (
        lambda use: use.role == "end_user" and use.derived_model_offered,
        "role: who offers a model made from the materials is a licensee and no end user; leave out one",
    ),
    (
        lambda use: use.role == "end_user" and (use.copies_shipped or use.ships_license or use.ships_notice),
        "role: an end user passes on no copies, licence or Notice; leave out one",
    ),
    (
        lambda use: use.offering == "weights" and use.copies_shipped is False,
        "copies_shipped: weights that are passed on are copies; leave it out",
    ),
    (
        lambda use: use.offering in {"internal", "hosted_api"} and use.copies_shipped,
        "copies_shipped: neither internal use nor a hosted API hands copies to anyone; offer weights or a product",
    ),
    (
        lambda use: use.via_hosted_api and (use.offering == "weights" or use.copies_shipped),
        "via_hosted_api: who reaches the model through another's API holds no weights to pass on; leave out one",
    ),
    (
        lambda use: use.via_hosted_api and use.received_in_product,
        "via_hosted_api: the materials cannot both stay with a host and come inside a product; leave out one",
    ),
    (
        lambda use: (
            use.trains_with is None
            and (use.derived_model_offered or use.derived_model_name is not None or not use.derived_model_is_llama)
        ),
        "trains_with: a derived model is made with something; say with what, materials or outputs",
    ),
)
"""What cannot both be true of one use, and what to do about it."""
