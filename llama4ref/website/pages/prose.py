"""Pages written by people: their numbers come from the catalogue, by `{{ fact("models/scout", "text.layers") }}`.

`{{ fact(entity, field) }}` and `{{ computed(model, quantity) }}` give a number with its note; the blocks of
`llama4ref.website.pages.blocks` give tables and pictures. An unknown name is a fault of the page, with its line.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from llama4ref.errors import Fault, Llama4refError, SpecErrors, nearest_names
from llama4ref.facts.arithmetic.quantities import quantities
from llama4ref.website.markup.field_values import number
from llama4ref.website.markup.html import code
from llama4ref.website.markup.page import Page
from llama4ref.website.pages.blocks import BLOCKS
from llama4ref.website.tables.computed_tables import from_facts

if TYPE_CHECKING:
    from llama4ref.facts.catalog import Catalog

_CALL = re.compile(r"\{\{ *(.*?) *\}\}")
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_TERM = re.compile(r"^(\S[^\n]*)\n:   ([^\n]+)$", re.MULTILINE)


def prose_pages(catalog: Catalog, texts: Mapping[str, str]) -> dict[str, str]:
    """Every page with its numbers filled in.

    Args:
        catalog: where the numbers come from.
        texts: Markdown by path below the documentation folder.

    Raises:
        SpecErrors: with every call that names nothing, and its line.
    """
    faults: list[Fault] = []
    filled = {path: _page(catalog, path, text, faults) for path, text in texts.items()}
    if faults:
        raise SpecErrors(faults)
    return filled


def glossary(text: str) -> dict[str, str]:
    r"""The terms of a definition list with the first sentence of each.

    Examples:
        >>> glossary("KV cache\n:   What attention keeps.\n")
        {'KV cache': 'What attention keeps.'}
    """
    return dict(_TERM.findall(text))


def with_terms(text: str, terms: Mapping[str, str]) -> str:
    """A page whose readers see the meaning of a term that stands in it."""
    used = {term: meaning for term, meaning in terms.items() if re.search(rf"\b{re.escape(term)}\b", text)}
    return text + "".join(f"\n*[{term}]: {meaning}" for term, meaning in used.items()) + ("\n" if used else "")


def _page(catalog: Catalog, path: str, text: str, faults: list[Fault]) -> str:
    title = _TITLE.search(text)
    page = Page(catalog, path, title=title[1] if title else path, description="")
    lines = []
    fenced = False
    for at, line in enumerate(text.splitlines(), 1):
        fenced ^= line.lstrip().startswith("```")
        fill = functools.partial(_filled, page, path, at, faults)
        lines.append(line if fenced else _CALL.sub(fill, line))
    body, notes = page.notes.numbered("\n".join(lines))
    head = f"---\nprose: docs/{path}\n---\n\n" if not text.startswith("---") else ""
    return head + body + (f"\n\n## Sources\n\n{notes}\n" if notes else "\n")


def _filled(page: Page, path: str, line: int, faults: list[Fault], match: re.Match[str]) -> str:
    call = match[1]
    try:
        name, arguments = _parsed(call)
        return _CALLS[name](page, *arguments)
    except (KeyError, TypeError, SyntaxError, ValueError, Llama4refError) as error:
        expected, do = _expected(call, error)
        faults.append(Fault(f"docs/{path}", line, "", f"{{{{ {call} }}}}", expected, do))
        return ""


def _expected(call: str, error: Exception) -> tuple[str, str]:
    if isinstance(error, Llama4refError):
        return "a fact of the catalogue", str(error)
    near = nearest_names(call.partition("(")[0], _CALLS)
    return f"a call of {', '.join(_CALLS)}", f"did you mean {near[0]}" if near else "see docs/contribute.md"


def _parsed(call: str) -> tuple[str, tuple[object, ...]]:
    tree = ast.parse(call, mode="eval").body
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name) or tree.keywords:
        raise ValueError(call)
    if tree.func.id not in _CALLS:
        raise KeyError(tree.func.id)
    return tree.func.id, tuple(ast.literal_eval(argument) for argument in tree.args)


def _fact(page: Page, entity: str, field: str) -> str:
    page.catalog.trace(entity, field)
    return page.value(page.facts(entity)[field])


def _computed(page: Page, model: str, quantity: str) -> str:
    found = quantities(page.catalog.model(model))
    if quantity not in found:
        near = nearest_names(quantity, found)
        raise ValueError(f"no quantity {quantity}; nearest {near}")
    return number(found[quantity]) + from_facts(page, code(quantity))


def _name(page: Page, entity: str) -> str:
    kind, _, id_ = entity.partition("/")
    thing = getattr(page.catalog, kind)[id_]
    return page.entity(entity, str(getattr(thing, "name", id_)))


_CALLS: dict[str, Callable[..., str]] = {**BLOCKS, "fact": _fact, "computed": _computed, "link": _name}
