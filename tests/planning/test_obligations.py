"""Each clause of the Llama 4 licence bites where its text says so, and nowhere else."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import RequestError
from llama4ref.facts import load
from llama4ref.planning.licensing.obligations import banned_purposes, check_use, month_counted
from llama4ref.planning.licensing.uses import OFFERINGS, Use

if TYPE_CHECKING:
    from llama4ref.planning.licensing.obligations import Finding, LicenseReport

HOME = Use(who="company", domicile="US", monthly_users=5_000)


@pytest.fixture(scope="module")
def licenses():
    return load().licenses


@pytest.fixture
def check(licenses):
    def check(use: Use = HOME, license: str = "llama-4-community", **changes: object) -> LicenseReport:
        return check_use(licenses[license], dataclasses.replace(use, **changes))

    return check


def names(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.name for finding in findings}


def test_internal_use_at_home_is_allowed_without_notice_or_attribution(check):
    """Nothing is made available, so nothing has to be shown or shipped."""
    report = check()

    assert report.verdict == "yes"
    assert (report.notice, report.attribution) == (None, None)
    assert names(report.obligations).isdisjoint({"attribution", "notice", "license_copy", "derived_name"})


def test_passing_on_weights_needs_notice_licence_and_attribution_in_the_exact_words(check):
    """The three strings of section 1.b are dictated by the licence."""
    report = check(offering="weights")

    assert {"attribution", "notice", "license_copy"} <= names(report.obligations)
    assert report.attribution == "Built with Llama"
    assert report.notice == (
        "Llama 4 is licensed under the Llama 4 Community License, Copyright © Meta Platforms, Inc. All Rights Reserved."
    )


@pytest.mark.parametrize(
    ("missing", "clause"),
    [("shows_attribution", "attribution"), ("ships_license", "license_copy"), ("ships_notice", "notice")],
)
def test_leaving_out_a_text_that_weights_need_is_a_breach(check, missing, clause):
    """What is known to be missing is a breach, what is known to be there is none."""
    assert names(check(offering="weights", **{missing: False}).breaches) == {clause}
    assert check(offering="weights", **{missing: True}).verdict == "yes"


def test_a_hosted_api_shows_the_attribution_but_ships_no_notice(check):
    """A hosted service makes the model available without handing over copies."""
    report = check(offering="hosted_api")

    assert "attribution" in names(report.obligations)
    assert "disclosure" in names(report.obligations)
    assert report.notice is None
    assert names(report.questions) == {"license_copy"}


def test_a_product_asks_whether_it_carries_copies(check):
    """Notice and licence copy turn on whether weights reach the users."""
    assert {"notice", "license_copy"} <= names(check(offering="product").questions)
    assert {"notice", "license_copy"} <= names(check(offering="product", copies_shipped=True).obligations)
    assert check(offering="product", copies_shipped=False).notice is None


def test_a_french_company_may_not_ship_a_product_on_image_input(check):
    """The policy withholds section 1.a from companies with their principal place of business in the Union."""
    report = check(who="company", domicile="FR", offering="product", image_input=True)

    assert names(report.breaches) == {"eu_multimodal"}
    assert report.verdict == "no"
    assert "principal place of business" in report.breaches[0].because


def test_using_text_only_does_not_escape_the_limit(check):
    """The policy names the models, not the images; the answer is one breach that says so, and no open question beside it."""
    report = check(domicile="FR", image_input=False)

    assert names(report.breaches) == {"eu_multimodal"}
    assert "no images are used changes nothing" in report.breaches[0].because
    assert not {each.name for each in report.breaches} & names(report.questions)


@pytest.mark.parametrize(
    "use",
    [
        {"role": "end_user", "offering": "weights"},
        {"role": "end_user", "offering": "hosted_api"},
        {"role": "end_user", "offering": "product"},
        {"role": "end_user", "trains_with": "outputs", "derived_model_offered": True},
        {"role": "end_user", "ships_license": True},
        {"offering": "weights", "copies_shipped": False},
        {"offering": "hosted_api", "copies_shipped": True},
        {"offering": "internal", "copies_shipped": True},
        {"offering": "weights", "via_hosted_api": True},
        {"offering": "product", "via_hosted_api": True, "copies_shipped": True},
        {"offering": "product", "via_hosted_api": True, "received_in_product": True},
        {"derived_model_name": "Llama-Medic"},
        {"derived_model_offered": True},
        {"derived_model_is_llama": False},
        {"who": "firm"},
        {"role": "user"},
        {"offering": "api"},
        {"trains_with": "data"},
        {"monthly_users": -1},
        {"monthly_users": True},
        {"monthly_users": "many"},
        {"image_input": "no"},
        {"ships_notice": "yes"},
        {"domicile": None},
        {"domicile": 33},
    ],
)
def test_a_use_that_cannot_be_is_refused(use):
    """Nobody is told yes for a use that contradicts itself."""
    with pytest.raises(RequestError):
        Use(**{"who": "company", "domicile": "US"} | use)


def test_a_french_company_behind_anothers_api_is_an_open_question(check):
    """The policy exempts end users of a service; whether who builds on it is one is not said."""
    report = check(domicile="FR", offering="product", via_hosted_api=True, image_input=True)

    assert report.breaches == ()
    assert "eu_multimodal" in names(report.questions)
    assert report.notice is None


@pytest.mark.parametrize("domicile", ["US", "CH", "NO", "IS", "LI", "GB", "UK", "EEA"])
def test_the_limit_stops_at_the_border_of_the_union(check, domicile):
    """Switzerland, the rest of the Economic Area and the United Kingdom lie outside."""
    assert "eu_multimodal" not in names(check(domicile=domicile).breaches)


@pytest.mark.parametrize("domicile", ["EU", "fr", "DE", "GR", "EL", "HR"])
def test_every_spelling_of_a_member_of_the_union_is_caught(check, domicile):
    """The Commission writes EL for Greece; letters may be small."""
    assert "eu_multimodal" in names(check(domicile=domicile).breaches)


def test_the_union_has_twenty_seven_members(licenses):
    """The list of countries is whole and names none twice."""
    regions = licenses["llama-4-community"].regions

    assert len(regions.eu) == len(set(regions.eu)) == 27
    assert not set(regions.eu) & {*regions.eea_beyond_eu, *regions.switzerland}


def test_an_end_user_in_the_union_is_exempt(check):
    """End users of a product or service that contains the model keep their use of it."""
    report = check(who="individual", domicile="FR", role="end_user", image_input=True, monthly_users=None)

    assert report.breaches == ()
    assert "eu_end_users" in names(report.rights)
    assert report.verdict == "yes"


@pytest.mark.parametrize(
    ("domicile", "party"),
    [
        ("FR", "Meta Platforms Ireland Limited"),
        ("NO", "Meta Platforms Ireland Limited"),
        ("CH", "Meta Platforms Ireland Limited"),
        ("US", "Meta Platforms, Inc."),
        ("GB", "Meta Platforms, Inc."),
    ],
)
def test_the_contract_party_follows_the_region(check, domicile, party):
    """The Economic Area and Switzerland contract with the Irish company."""
    assert check(domicile=domicile).party == party


def test_the_user_limit_bites_above_seven_hundred_million_only(check):
    """The text says greater than, so the number itself still passes."""
    assert check(monthly_users=700_000_000).verdict == "yes"
    assert names(check(monthly_users=700_000_001).breaches) == {"user_limit"}


def test_unknown_user_numbers_are_an_open_question_about_the_month_before_release(check, licenses):
    """The month is the calendar month before the release of the version."""
    report = check(monthly_users=None)

    assert names(report.questions) == {"user_limit"}
    assert month_counted(licenses["llama-4-community"]) == "2025-03"


def test_the_user_limit_spares_who_received_the_materials_inside_a_product(check):
    """Section 1.b.ii switches section 2 off for that recipient."""
    report = check(monthly_users=700_000_001, received_in_product=True)

    assert report.breaches == ()
    assert "integrated_product" in names(report.rights)


@pytest.mark.parametrize("trains_with", ["materials", "outputs"])
def test_an_offered_derived_model_must_begin_with_llama(check, trains_with):
    """Fine-tunes and models taught by outputs fall under the same sentence."""
    derived = {"trains_with": trains_with, "derived_model_offered": True}

    assert names(check(**derived, derived_model_name="Otter 7B").breaches) == {"derived_name"}
    assert names(check(**derived, derived_model_name="My-Llama-7B").breaches) == {"derived_name"}
    assert check(**derived, derived_model_name="Llama-Otter-7B").verdict == "yes"
    assert names(check(**derived, derived_model_name="llama-otter").questions) == {"derived_name"}
    assert names(check(**derived).questions) == {"derived_name"}


def test_a_derived_model_that_stays_inside_needs_no_name(check):
    """The naming duty waits until the model is distributed or made available."""
    report = check(trains_with="materials", derived_model_name="Otter 7B")

    assert report.verdict == "yes"
    assert "derivatives" in names(report.rights)


def test_outputs_may_train_a_model_of_another_family_now_but_not_under_llama_3(check):
    """Llama 2 and 3 banned it; Llama 3.1 dropped the ban."""
    use = {"trains_with": "outputs", "derived_model_offered": False, "derived_model_is_llama": False}

    assert check(**use).breaches == ()
    assert check(license="llama-3-1-community", **use).breaches == ()
    for older in ("llama-2-community", "llama-3-community"):
        assert names(check(license=older, **use).breaches) == {"no_other_models"}


def test_llama_3_asked_for_its_own_prefix_and_only_of_models_made_with_the_materials(check):
    """The prefix was Llama 3, and outputs were not in the sentence."""
    derived = {"derived_model_offered": True, "derived_model_name": "Llama-Otter", "license": "llama-3-community"}

    assert names(check(trains_with="materials", **derived).breaches) == {"derived_name"}
    assert check(trains_with="outputs", **derived).breaches == ()


def test_declared_purposes_of_the_policy_are_breaches_and_the_rest_stay_duties(check, licenses):
    """Every banned purpose bites when declared, and only then."""
    purposes = banned_purposes(licenses["llama-4-community"])

    for purpose in purposes:
        report = check(purposes=(purpose,))
        assert names(report.breaches) == {purpose}
        assert names(report.obligations) >= set(purposes) - {purpose}


def test_marks_beyond_the_required_word_are_an_open_question(check):
    """Section 5.a licenses the word alone."""
    assert "trademark" in names(check(uses_marks=True).questions)
    assert "trademark" not in names(check().obligations)


def test_every_finding_is_cited_in_the_specs(check):
    """Clause number, and a field whose source is the licence, the policy or the model card."""
    catalog = load()
    report = check(
        domicile="FR", offering="weights", trains_with="outputs", derived_model_offered=True, purposes=("spam",)
    )

    for finding in (*report.obligations, *report.breaches, *report.questions, *report.rights, *report.terms):
        citation = catalog.cite(finding.entity, finding.field)[0]
        assert finding.clause
        assert citation.at
        assert citation.source.publisher == "Meta"


@pytest.mark.parametrize("license", ["llama-2-community", "llama-3-2-community", "llama-4-community"])
@pytest.mark.parametrize("offering", OFFERINGS)
def test_every_licence_answers_every_offering(check, license, offering):
    """No combination is left without a verdict, and each says it is no legal advice."""
    report = check(license=license, offering=offering)

    assert report.verdict in {"no", "unclear", "yes"}
    assert "no legal advice" in report.disclaimer


@pytest.mark.parametrize("domicile", ["France", "", "F", "12", "FRA"])
def test_a_domicile_that_is_no_country_code_is_refused(check, domicile):
    """The message says what to give."""
    with pytest.raises(RequestError, match="two letters"):
        check(domicile=domicile)


def test_an_unknown_purpose_is_refused_with_the_nearest_name(check):
    """Purposes are the names of the policy's items."""
    with pytest.raises(RequestError, match="did you mean military"):
        check(purposes=("militry",))
