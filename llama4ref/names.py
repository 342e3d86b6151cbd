"""Matching what people write against known names.

People write `H200` for `h200-sxm` and `RTX PRO 6000` for `rtx-pro-6000`. What can mean one thing alone is taken for it; otherwise the
nearest names are offered.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

_WORD = re.compile(r"[a-z0-9]+")
_CUTOFF = 0.55
"""Likeness in spelling, from 0 to 1, from which a name is near."""
_SLIP = 0.85
"""Likeness from which a name is taken for a slip of the pen."""
_SHORTEST_WORD = 2
"""Characters of a word that two names can have in common; a single digit says nothing."""
Aliases = Mapping[str, Collection[str]]
"""What else each name is called."""
LONGEST_NAME = 200
"""Characters beyond which nothing is a name, and nothing is compared."""


def words(text: str) -> frozenset[str]:
    """The words of a name, without case and signs.

    Examples:
        >>> sorted(words("RTX PRO-6000"))
        ['6000', 'pro', 'rtx']
    """
    return frozenset(_WORD.findall(text.lower()))


def meant(name: str, known: Iterable[str], aliases: Aliases | None = None) -> str | None:
    """The one known name that is meant; None where none or several could be.

    That is the name itself, or the only one of the same words, or the only one that has all the words written.

    Examples:
        >>> meant("H200", ["gh200", "h200-sxm", "h100-sxm"]), meant("h100", ["h100-sxm", "h100-pcie"])
        ('h200-sxm', None)
        >>> meant("Llama 4 Scout", ["scout", "maverick"], {"scout": ["Llama 4 Scout"]})
        'scout'
    """
    known = tuple(known)
    if name in known:
        return name
    if len(name) > LONGEST_NAME:
        return None
    alike = [each for each in known if words(name) and words(name) in map(words, _all_names(each, aliases))]
    alike = alike or list(containing(name, known, aliases))
    return alike[0] if len(alike) == 1 else None


def nearest_names(
    name: str, known: Iterable[str], aliases: Aliases | None = None, *, count: int = 3
) -> tuple[str, ...]:
    """The known names that are nearest, best first: most words in common, no other number, closest in spelling.

    Examples:
        >>> nearest_names("scuot", ["scout", "maverick"])
        ('scout',)
        >>> nearest_names("h200", ["b200", "gh200", "h200-sxm"])[0]
        'h200-sxm'
    """
    if len(name) > LONGEST_NAME:
        return ()
    ranks = {each: _rank(name, each, aliases) for each in {each.lower(): each for each in known}.values()}
    near = [each for each, rank in ranks.items() if rank.is_near]
    return tuple(sorted(near, key=lambda each: ranks[each].order)[:count])


def containing(name: str, known: Iterable[str], aliases: Aliases | None = None) -> tuple[str, ...]:
    """The known names that have every word of a name.

    Examples:
        >>> containing("fp8", ["scout-fp8", "maverick-fp8", "scout"])
        ('scout-fp8', 'maverick-fp8')
    """
    wanted = words(name) if len(name) <= LONGEST_NAME else frozenset()
    return tuple(each for each in known if wanted and wanted <= _all_words(each, aliases))


class _Rank(NamedTuple):
    """How near a known name is to a written one."""

    common_words: int
    other_numbers: int
    """Words with digits in which the two differ."""
    likeness: float
    """Of the spelling, from 0 to 1."""
    likeness_of_a_word: float
    """The same, for the word of the known name that is most like it."""

    @property
    def is_near(self) -> bool:
        """Whether it is worth offering."""
        return bool(self.common_words) or self.likeness >= _CUTOFF or self.likeness_of_a_word >= _SLIP

    @property
    def order(self) -> tuple[bool, int, int, float]:
        """Smallest is nearest: first what is a slip of the pen, and no other number."""
        slip = self.likeness >= _SLIP and not self.other_numbers
        return (not slip, -self.common_words, self.other_numbers, -max(self.likeness, self.likeness_of_a_word))


def _rank(name: str, candidate: str, aliases: Aliases | None) -> _Rank:
    wanted, there = words(name), _all_words(candidate, aliases)
    return _Rank(
        sum(len(word) >= _SHORTEST_WORD for word in wanted & there),
        min(sum(map(_has_digit, some)) for some in (wanted - there, words(candidate) - wanted)),
        _likeness(name, candidate),
        max((_likeness(name, word) for word in words(candidate)), default=0.0),
    )


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one.lower(), other.lower()).ratio()


def _has_digit(word: str) -> bool:
    return any(letter.isdigit() for letter in word)


def _all_names(name: str, aliases: Aliases | None) -> tuple[str, ...]:
    return (name, *(aliases or {}).get(name, ()))


def _all_words(name: str, aliases: Aliases | None) -> frozenset[str]:
    return frozenset().union(*map(words, _all_names(name, aliases)))
