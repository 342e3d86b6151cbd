"""What the licence asks of some typical uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llama4ref.planning.licensing.obligations import Finding, LicenseReport, check_use
from llama4ref.planning.licensing.uses import Use
from llama4ref.website.markup.html import Cell, Column, Row, admonition, bullets, code, escape, table

if TYPE_CHECKING:
    from llama4ref.facts.types.licenses import License
    from llama4ref.website.markup.page import Page

_FEW_USERS = 1_000_000
USES = {
    "French company, product that reads images": Use(
        who="company",
        domicile="FR",
        offering="product",
        monthly_users=_FEW_USERS,
        image_input=True,
        copies_shipped=False,
    ),
    "French company, product with text alone": Use(
        who="company", domicile="FR", offering="product", monthly_users=_FEW_USERS, copies_shipped=False
    ),
    "French end user of someone else's product that reads images": Use(
        who="individual", domicile="FR", role="end_user", monthly_users=0, image_input=True
    ),
    "US company, product that reads images": Use(
        who="company",
        domicile="US",
        offering="product",
        monthly_users=_FEW_USERS,
        image_input=True,
        copies_shipped=False,
    ),
    "US company, hosted API": Use(who="company", domicile="US", offering="hosted_api", monthly_users=_FEW_USERS),
    "Swiss company, passes weights on": Use(who="company", domicile="CH", offering="weights", monthly_users=_FEW_USERS),
}
"""Uses that people ask about."""


def add_uses(page: Page, license_: License) -> None:
    """What becomes of these uses, with the clauses that decide."""
    page.heading(2, "What it asks of some uses", "uses")
    columns = (Column(head="Use"), Column(head="Allowed", cited=False), Column(head="What decides, and what is owed"))
    rows = []
    for name, use in USES.items():
        report = check_use(license_, use)
        rows.append(
            Row(
                cells=(
                    Cell(escape(name)),
                    Cell(verdict(report), report.verdict),
                    Cell(clauses(page, report, with_policy=False)),
                )
            )
        )
    page.add(table("Uses and what the clauses say of them", columns, rows))
    body = f"<p>{escape(report.disclaimer)}.</p><p>Ask about your own use: {code('llama4ref license check --domicile FR --images --offering product')}</p>"
    page.add(admonition("note", "No legal advice", body))


def verdict(report: LicenseReport) -> str:
    """Yes, no or unclear, in words."""
    words = {"yes": "yes, with duties", "no": "no", "unclear": "unclear"}
    return f'<b class="verdict {report.verdict}">{words[report.verdict]}</b>'


def clauses(page: Page, report: LicenseReport, *, with_policy: bool = True) -> str:
    """Breaches and questions first, then duties; each with its clause and its source, the policy's duties only if asked."""
    owed = [each for each in report.obligations if with_policy or not each.field.startswith("policy.")]
    items = [_finding(page, each) for each in (*report.breaches, *report.questions, *owed)]
    hidden = len(report.obligations) - len(owed)
    if hidden:
        policy = page.entity(report.obligations[0].entity, "use policy", "policy")
        items.append(f"duty: keep the {hidden} items of the {policy}")
    return bullets(items)


def _finding(page: Page, each: Finding) -> str:
    kind = f"<b>{each.kind}</b>" if each.kind != "obligation" else "duty"
    place = page.entity(each.entity, each.clause, each.field.removesuffix(".says"))
    why = f" ({escape(each.because)})" if each.kind != "obligation" else ""
    return f"{kind}, {place}: {escape(each.says)}{why}{page.note(page.facts(each.entity)[each.field], brief=True)}"
