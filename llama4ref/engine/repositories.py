"""What may a repository on Hugging Face be called?"""

from __future__ import annotations

import re

_REPOSITORY = re.compile(r"(?=.{3,193}\Z)\w([\w.-]{0,94}\w)?/\w([\w.-]{0,94}\w)?", re.ASCII)


def is_repository(name: str) -> bool:
    """Whether a name is `owner/name` as the Hub allows it: letters, digits, `-`, `_`, `.`, and no path of directories.

    Examples:
        >>> is_repository("nvidia/Llama-4-Maverick-17B-128E-Eagle3"), is_repository("../x/y"), is_repository("-a/b")
        (True, False, False)
    """
    return _REPOSITORY.fullmatch(name) is not None and not re.search(r"\.\.|--|\.git\Z", name)
