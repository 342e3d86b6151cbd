"""The Python and command-line reference, from docstrings and from the program itself."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING

from llama4ref.facts.types.kinds import KINDS
from llama4ref.field_words import meanings, plain_doc
from llama4ref.website.markup.html import Cell, Column, Row, bullets, code, escape, inline, link, quoted, table
from llama4ref.website.markup.page import Page

if TYPE_CHECKING:
    import click

    from llama4ref.facts.catalog import Catalog

MODULES = (
    "llama4ref", "llama4ref.errors", "llama4ref.facts.types.sources", "llama4ref.memory",
    "llama4ref.performance", "llama4ref.planning", "llama4ref.planning.licensing.obligations",
    "llama4ref.planning.licensing.uses", "llama4ref.rendering", "llama4ref.units",
    "llama4ref.website",
)  # fmt: skip
"""What the Python reference covers."""
_ANNOTATED = re.compile(r"Annotated\[(.*), \w+\(.*\)\]")
_SECTION = re.compile(r"^(Args|Raises|Examples|Returns|Yields):$")


def reference_pages(catalog: Catalog, program: click.Command | None = None) -> Iterator[tuple[str, str]]:
    """The pages, by path."""
    yield "reference/index.md", _python(catalog)
    yield "reference/commands.md", _commands(catalog, program)
    yield "reference/data.md", _data(catalog)


def _python(catalog: Catalog) -> str:
    page = Page(
        catalog, "reference/index.md", title="Python", description="The public functions and types of llama4ref."
    )
    page.add(
        "Everything here is made from the code: what a thing is for, what it takes, what it gives and when it fails."
    )
    described: dict[int, str] = {}
    for name in MODULES:
        module = importlib.import_module(name)
        page.heading(2, name, name)
        page.add(documentation(module.__doc__ or ""))
        for member_name, member in public_members(module):
            path = f"{name}.{member_name}"
            page.heading(3, member_name, path)
            first = described.setdefault(id(member), path)
            if first == path:
                _describe(page, member_name, member)
            else:
                page.add(f"<p>The same as {link(f'#{first}', first)}.</p>")
    return page.finished()


def public_members(module: ModuleType) -> Iterator[tuple[str, object]]:
    """Public functions and classes of a module: those of `__all__`, or those that it defines."""
    names = getattr(module, "__all__", None) or [
        name
        for name, member in vars(module).items()
        if not name.startswith("_") and getattr(member, "__module__", "") == module.__name__
    ]
    for name in names:
        member = getattr(module, name)
        if inspect.isfunction(member) or inspect.isclass(member):
            yield name, member


def _describe(page: Page, name: str, member: object) -> None:
    if inspect.isfunction(member):
        page.add(f"<pre><code>{escape(_signature(name, member))}</code></pre>")
        page.add(documentation(member.__doc__ or ""))
    elif inspect.isclass(member):
        page.add(documentation(plain_doc(member)) if not plain_doc(member).startswith(f"{name}(") else "")
        if dataclasses.is_dataclass(member):
            page.add(_fields(name, member))
        page.add(_methods(member))


def _signature(name: str, function: Callable[..., object]) -> str:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return f"{name}(…)"
    parts = [str(parameter).replace("'", "") for parameter in signature.parameters.values() if parameter.name != "self"]
    kinds = [parameter.kind for parameter in signature.parameters.values() if parameter.name != "self"]
    keyword_only = inspect.Parameter.KEYWORD_ONLY
    if keyword_only in kinds and inspect.Parameter.VAR_POSITIONAL not in kinds:
        parts.insert(kinds.index(keyword_only), "*")
    gives = (
        ""
        if signature.return_annotation is inspect.Signature.empty
        else f" -> {str(signature.return_annotation).replace(chr(39), '')}"
    )
    flat = f"{name}({', '.join(parts)}){gives}"
    return flat if len(flat) < 90 else f"{name}(\n    " + ",\n    ".join(parts) + f",\n){gives}"


def _fields(name: str, kind: type) -> str:
    words = meanings(kind)
    rows = [
        Row(cells=(Cell(code(field.name)), Cell(code(_type(field))), Cell(inline(words.get(field.name, "")))))
        for field in dataclasses.fields(kind)
    ]
    return (
        table(
            f"Fields of {name}",
            (Column(head="Field"), Column(head="Type", cited=False), Column(head="Meaning", cited=False)),
            rows,
        )
        if rows
        else ""
    )


def _type(field: dataclasses.Field[object]) -> str:
    """The type of a field as it is written, without what is annotated to it."""
    return _ANNOTATED.sub(r"\1", str(field.type))


def _methods(kind: type) -> str:
    items = []
    for name, member in vars(kind).items():
        function = member.fget if isinstance(member, property) else getattr(member, "func", member)
        if name.startswith("_") or not inspect.isfunction(function) or not function.__doc__:
            continue
        shown = name if isinstance(member, property) or function is not member else _signature(name, function)
        first = function.__doc__.strip().split("\n\n")[0]
        items.append(f"{code(shown)}: {inline(' '.join(first.split()))}")
    return bullets(items) if items else ""


def documentation(text: str) -> str:
    """A docstring as HTML: paragraphs, then its sections as lists and examples.

    Examples:
        >>> documentation("Add.")
        '<p>Add.</p>'
    """
    blocks = inspect.cleandoc(text).split("\n\n") if text else []
    return "".join(_block(block) for block in blocks)


def _block(block: str) -> str:
    lines = block.splitlines()
    section = _SECTION.match(lines[0].strip()) if lines else None
    if block.startswith("```"):
        return f"<pre><code>{escape(block.strip('`').strip())}</code></pre>"
    if block.startswith(">>>"):
        return f"<pre><code>{escape(block)}</code></pre>"
    if section is None:
        return f"<p>{inline(' '.join(line.strip() for line in lines))}</p>"
    rest = inspect.cleandoc("\n".join(lines[1:]))
    if section[1] == "Examples":
        return f"<p><b>Example</b></p><pre><code>{escape(rest)}</code></pre>"
    items = re.split(r"\n(?=\S)", rest)
    return f"<p><b>{section[1]}</b></p>" + bullets(inline(" ".join(item.split())) for item in items if item)


def _commands(catalog: Catalog, program: click.Command | None) -> str:
    page = Page(
        catalog,
        "reference/commands.md",
        title="Commands",
        description="Every command of llama4ref with its options.",
        boost=1.2,
    )
    if program is None:
        page.add(
            "This site was built without its command line; `llama4ref --help` and `llama4ref COMMAND --help` describe it."
        )
        return page.finished()
    import click

    context = click.Context(program, info_name="llama4ref")
    page.add(_help(program, context))
    if isinstance(program, click.Group):
        _group(page, program, context, 2)
    return page.finished()


def _group(page: Page, group: click.Group, context: click.Context, level: int) -> None:
    import click

    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        inner = click.Context(command, info_name=name, parent=context)
        page.heading(level, inner.command_path, inner.command_path.replace(" ", "-"))
        page.add(_help(command, inner))
        if isinstance(command, click.Group):
            _group(page, command, inner, level + 1)


def _help(command: click.Command, context: click.Context) -> str:
    name = quoted(f"Help of {context.command_path}")
    context.terminal_width = 92
    context.max_content_width = 92
    return f'<pre tabindex="0" role="region" aria-label="{name}"><code>{escape(command.get_help(context))}</code></pre>'


def _data(catalog: Catalog) -> str:
    page = Page(
        catalog,
        "reference/data.md",
        title="Data and schemas",
        description="The whole catalogue as JSON, and the schemas of its files.",
    )
    page.add(
        "Each file is what `llama4ref facts export` prints of one kind: facts by entity and field, each with its sources, preferred first, and those sources."
    )
    columns = (
        Column(head="Kind"),
        Column(head="Entries", numeric=True, cited=False),
        Column(head="Values and sources", cited=False),
        Column(head="Schema of the YAML", cited=False),
    )
    rows = []
    for kind in (*KINDS, "sources"):
        data, schema = f"data/{kind}.json", f"schema/{kind}.schema.json"
        rows.append(
            Row(
                cells=(
                    Cell(kind),
                    Cell(f"{len(getattr(catalog, kind)):,}"),
                    Cell(page.to(data, data)),
                    Cell(page.to(schema, schema)),
                )
            )
        )
    page.add(table("Files", columns, rows))
    plans = page.to("schema/plan.schema.json", "schema/plan.schema.json")
    page.add(f"<p>{plans} is the schema of plan files, which `llama4ref plan --save` writes.</p>")
    page.add(f"<p>{page.to('llms.txt', 'llms.txt')} says what is where, for programs that read text.</p>")
    return page.finished()
