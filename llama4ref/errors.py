"""What can go wrong, as one tree.

```
Llama4refError
├── SpecErrors            every fault found in the specs (ValueError)
├── UnknownNameError      no such model, checkpoint, … ; carries the nearest names (KeyError)
├── UnknownFactError      the fact is recorded as unknown (ValueError)
├── RequestError          a request that contradicts itself or cannot be read (ValueError)
│   └── SettingError          a setting of the engine with a value that its option does not take
├── ReleaseError          an engine release the facts do not cover (ValueError)
├── PlanFileError         a plan file that cannot be read or contradicts itself (ValueError)
├── FormError             a plan that a form of writing cannot hold (ValueError)
├── OutputError           what was to be written cannot be written (OSError)
├── WatchError            a release cannot be found, fetched or read (RuntimeError)
└── ProofError            something outside failed while proving (RuntimeError)
    ├── MissingExtraError     a package of an extra is not installed (ImportError)
    ├── PortInUseError        the port is taken (OSError)
    ├── LaunchError           the server ended or never became ready
    └── ProbeError            the server stopped answering
```

Messages say where, what, expected and what to do, in one line, without a full stop.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from llama4ref.field_words import described
from llama4ref.names import Aliases, containing, nearest_names
from llama4ref.wording import counted, quoted

__all__ = [
    "Fault", "FormError", "LaunchError", "Llama4refError", "MissingExtraError", "OutputError", "PortInUseError", "ProbeError", "ProofError",
    "ReleaseError", "RequestError", "SettingError", "SpecErrors", "UnknownFactError", "UnknownNameError", "WatchError",
    "nearest_names",
]  # fmt: skip

_MOST_OFFERED = 6
"""Names listed where none is near, or where many have the word that was written."""
_LONGEST_PART = 200
"""Characters of a fault's file, field and so on; a spec may hold anything of any length."""


class Llama4refError(Exception):
    """Anything this package raises on purpose. `exit_code` is what the CLI returns for it."""

    exit_code = 2


@described
@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in one spec file.

    Examples:
        >>> print(Fault("models/scout.yaml", 14, "experts.count", "0", "a positive number", "give the routed experts per layer"))
        models/scout.yaml:14 experts.count: found 0, expected a positive number; give the routed experts per layer
    """

    file: str
    """Path of the file."""
    line: int
    """Line in it, from 1."""
    field: str
    """The field, by its path with dots; empty for the whole file."""
    found: str
    """What stands there."""
    expected: str
    """What should."""
    do: str
    """What to do about it."""

    def __post_init__(self) -> None:
        for name in ("file", "field", "found", "expected", "do"):
            object.__setattr__(self, name, _printable(getattr(self, name)))

    def __str__(self) -> str:
        field = f" {self.field}" if self.field else ""
        return f"{self.file}:{self.line}{field}: found {self.found}, expected {self.expected}; {self.do}"


def _printable(text: str) -> str:
    """Text of a fault: what does not print is escaped, and what is long is cut."""
    escaped = "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text[: 2 * _LONGEST_PART]
    )
    return escaped if len(escaped) <= _LONGEST_PART else f"{escaped[: _LONGEST_PART - 1]}…"


class SpecErrors(Llama4refError, ValueError):  # noqa: N818  # one error that holds them all
    """Every fault of every spec file, found in one reading."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join([f"{counted(len(self.faults), 'fault')} in the specs", *map(str, self.faults)]))


class UnknownNameError(Llama4refError, KeyError):
    """A name that is not in the catalogue; `nearest` holds the closest ones that are, `listing` the command that lists all."""

    def __init__(
        self, kind: str, name: str, known: Iterable[str], aliases: Aliases | None = None, *, listing: str | None = None
    ) -> None:
        self.kind, self.name, self.known, self.listing = kind, name, tuple(known), listing
        text = name if isinstance(name, str) else ""
        self.nearest = nearest_names(text, self.known, aliases)
        offer = _offer(self.nearest, containing(text, self.known, aliases), self.known)
        all_of_them = f"; `{listing}` lists all" if listing else ""
        super().__init__(f"no {kind} is named {quoted(name)}; {offer}{all_of_them}")

    def __str__(self) -> str:
        return str(self.args[0])


def _offer(nearest: Sequence[str], having: Sequence[str], known: Sequence[str]) -> str:
    """What to write instead."""
    if len(having) > len(nearest):
        return f"{len(having)} have that in their name: {_listed(having)}"
    if nearest:
        return f"did you mean {' or '.join(nearest)}"
    return f"known are {_listed(known)}" if known else "there are none"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_MOST_OFFERED]) + (", …" if len(names) > _MOST_OFFERED else "")


class UnknownFactError(Llama4refError, ValueError):
    """A computation needs a fact that is recorded as unknown."""

    exit_code = 1

    def __init__(self, entity: str, field: str) -> None:
        self.entity, self.field = entity, field
        super().__init__(f"{entity} {field}: recorded as unknown, so nothing that needs it can be computed")


class RequestError(Llama4refError, ValueError):
    """A request that cannot be read or contradicts itself."""


class SettingError(RequestError):
    """A setting or variable of the engine with a value that it does not take; `setting` is its name without dashes."""

    def __init__(self, setting: str, message: str) -> None:
        self.setting = setting
        super().__init__(f"{setting if setting.isupper() else f'--{setting}'}: {message}")


class ReleaseError(Llama4refError, ValueError):
    """An engine release that the facts do not cover, or that lacks the option or variable `setting`."""

    def __init__(self, message: str, *, setting: str | None = None) -> None:
        self.setting = setting
        super().__init__(message)


class PlanFileError(Llama4refError, ValueError):
    """A plan file that cannot be read, or whose settings contradict each other or the facts; `faults` by line and field."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        left_out = len(self.faults) - _MOST_OFFERED
        more = [f"and {left_out:,} more"] if left_out > 0 else []
        super().__init__("\n".join([*map(str, self.faults[:_MOST_OFFERED]), *more]))


class FormError(Llama4refError, ValueError):
    """A plan that cannot be written in the form asked for; another form can hold it."""

    exit_code = 1


class OutputError(Llama4refError, OSError):
    """An answer or a file cannot be written: a full disk, a closed stream."""

    exit_code = 3


class WatchError(Llama4refError, RuntimeError):
    """A release of other software cannot be found, fetched or read."""

    exit_code = 3


class ProofError(Llama4refError, RuntimeError):
    """Something outside this program failed while proving."""

    exit_code = 3


class MissingExtraError(ProofError, ImportError):
    """A package of an optional extra is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(f"{package} is not installed; install it with: pip install 'llama4ref[{extra}]'")


class PortInUseError(ProofError, OSError):
    """The port is taken by another process."""

    def __init__(self, port: int) -> None:
        self.port = port
        super().__init__(f"port {port} is in use; choose another with --port, or 0 for any free one")


class LaunchError(ProofError):
    """The server ended, or never became ready; `server_exit_code` is none where it was still running."""

    def __init__(self, message: str, *, log: str, server_exit_code: int | None = None) -> None:
        self.log, self.server_exit_code = log, server_exit_code
        super().__init__(message)


class ProbeError(ProofError):
    """The server stopped answering while it was probed."""
