"""Pictures as SVG text, drawn with the page's own colours so that they read in dark and in light.

Classes stand for colours (`site.css` gives them): `a` to `f` are series, `soft` is faint, `ink` is text and lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from llama4ref.website.markup.html import escape, slug


def svg(width: int, height: int, title: str, desc: str, shapes: Iterable[str]) -> str:
    """A picture with a name and a description for those who cannot see it."""
    name = slug(title)
    return (
        f'<svg class="figure" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{name}-t {name}-d">'
        f'<title id="{name}-t">{escape(title)}</title><desc id="{name}-d">{escape(desc)}</desc>{"".join(shapes)}</svg>'
    )


def figure(picture: str, caption: str) -> str:
    """A picture with a caption below; `caption` is HTML."""
    return f'<figure tabindex="0">{picture}<figcaption>{caption}</figcaption></figure>'


def box(x: float, y: float, width: float, height: float, kind: str, *, hint: str = "", radius: float = 2) -> str:
    """A filled rectangle; `hint` shows under the pointer."""
    inner = f"<title>{escape(hint)}</title>" if hint else ""
    return f'<rect class="{kind}" x="{_n(x)}" y="{_n(y)}" width="{_n(max(width, 0))}" height="{_n(height)}" rx="{_n(radius)}">{inner}</rect>'


def line(points: Sequence[tuple[float, float]], kind: str) -> str:
    """A line through points."""
    path = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
    return f'<polyline class="{kind}" points="{path}"/>'


def dot(x: float, y: float, kind: str, *, hint: str = "", radius: float = 4) -> str:
    """A point."""
    inner = f"<title>{escape(hint)}</title>" if hint else ""
    return f'<circle class="{kind}" cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}">{inner}</circle>'


def text(x: float, y: float, words: str, *, at: str = "start", kind: str = "ink") -> str:
    """Words; `at` says which of their ends stands at x: `start`, `middle` or `end`."""
    anchor = f' text-anchor="{at}"' if at != "start" else ""
    return f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}"{anchor}>{escape(words)}</text>'


def legend(x: float, y: float, entries: Sequence[tuple[str, str]], *, step: float = 0) -> list[str]:
    """Names of the series beside their colours, in one row."""
    shapes, at = [], x
    for kind, words in entries:
        shapes += [box(at, y - 9, 11, 11, kind), text(at + 16, y, words, kind="ink small")]
        at += step or 34 + 6.3 * len(words)
    return shapes


class LogScale:
    """Places of numbers between two ends, by their logarithm.

    Examples:
        >>> LogScale(1, 100, 0, 200)(10)
        100.0
    """

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value: float) -> float:
        """The place of a number."""
        part = (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return self.start + part * (self.end - self.start)


class LinearScale:
    """Places of numbers between two ends.

    Examples:
        >>> LinearScale(0, 10, 0, 200)(5)
        100.0
    """

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value: float) -> float:
        """The place of a number."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
