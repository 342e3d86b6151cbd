"""Text in specs stands in messages, tables and commands as it is, so it must be one printable line."""

from __future__ import annotations

from collections.abc import Iterator

from llama4ref.errors import Fault
from llama4ref.facts.reading.yaml_reader import Group, Node, Series

_EXPECTED = "text on one line, without blanks around it"


def is_plain(text: str) -> bool:
    r"""Whether a text is one printable line of at least a character.

    Examples:
        >>> [is_plain(each) for each in ("Scout", "", " x", "a\nb", "\x1b[31m")]
        [True, False, False, False, False]
    """
    return bool(text) and text.isprintable() and text == text.strip()


def text_faults(group: Group, file: str, path: str = "") -> Iterator[Fault]:
    """A fault for each key and each value of a spec that is no plain text."""
    for key, node in group.entries.items():
        inner = path if key == "value" and path else f"{path}.{key}".lstrip(".")
        if not is_plain(key):
            yield Fault(file, group.lines[key], inner, f"the key {key!r}", _EXPECTED, "write a plain word")
        yield from _node_faults(node, file, inner)


def _node_faults(node: Node, file: str, path: str) -> Iterator[Fault]:
    if isinstance(node, Group):
        yield from text_faults(node, file, path)
    elif isinstance(node, Series):
        for index, item in enumerate(node.items):
            yield from text_faults(item, file, f"{path}.{index}")
    else:
        for text in node.value if isinstance(node.value, tuple) else (node.value,):
            if isinstance(text, str) and not is_plain(text):
                do = "remove what does not print, or write unknown or none"
                yield Fault(file, node.line, path, repr(text), _EXPECTED, do)
