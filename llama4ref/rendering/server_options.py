"""Which options does a plan give to the server, spelled as its vLLM release spells them, and why?"""

from __future__ import annotations

import json
import shlex
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llama4ref.errors import ReleaseError, RequestError, nearest_names
from llama4ref.facts.types.releases import holds_at
from llama4ref.planning.outcomes import HostedPlan
from llama4ref.units import format_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llama4ref.engine.engine_config import Reason, Setting
    from llama4ref.facts.types.engines import Engine, Flag
    from llama4ref.planning.outcomes import Plan

MODEL = "model"
"""Name of the positional option."""
DEFAULT_PORT = 8000
COMMENT_WIDTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option of the server."""

    name: str
    """Without dashes in front; with `no-` where a switch is turned off."""
    value: str | None
    """Text of the value; None for a switch."""
    is_json: bool
    """Whether the value is a JSON object."""
    is_number: bool
    reasons: tuple[Reason, ...]
    """Why it is there."""

    @property
    def words(self) -> tuple[str, ...]:
        """The option as words of a command line, unquoted."""
        return (f"--{self.name}",) if self.value is None else (f"--{self.name}", self.value)

    @property
    def shell(self) -> str:
        """The option as a shell reads it."""
        return shlex.join(self.words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a plan is launched, checked against its release and ready to be written in any form."""

    model: str
    """Name or path of the checkpoint."""
    options: tuple[Option, ...]
    environment: Mapping[str, str]
    heading: tuple[str, ...]
    """What the plan is, and the reasons and caveats that belong to no option, in lines of text."""
    environment_reasons: Mapping[str, tuple[Reason, ...]]

    @property
    def port(self) -> int:
        """Where the server will listen."""
        given = [option.value for option in self.options if option.name == "port" and option.value]
        return int(given[0]) if given else DEFAULT_PORT

    @property
    def words(self) -> tuple[str, ...]:
        """Model and options as words of a command line, unquoted."""
        return (self.model, *(word for option in self.options for word in option.words))


def launch_of(plan: Plan | HostedPlan, engine: Engine) -> Launch:
    """What is needed to launch a plan.

    Raises:
        RequestError: for a hosted plan, which nothing is launched for.
        ReleaseError: where a setting or variable is unknown to the plan's release of the engine.
    """
    plan = own_plan(plan)
    by_name: dict[str, list[Reason]] = {}
    for reason in plan.reasons:
        by_name.setdefault(_bare(reason.about), []).append(reason)
    options = tuple(_options(plan, engine, by_name))
    for name in plan.environment:
        _check_variable(name, engine, plan.release)
    taken = {name for option in options for name in (option.name, option.name.removeprefix("no-"))}
    rest = [
        reason for name, group in by_name.items() if name not in taken | plan.environment.keys() for reason in group
    ]
    return Launch(
        model=str(plan.settings[MODEL]) if MODEL in plan.settings else _repository(plan),
        options=options,
        environment=plan.environment,
        heading=(*_title(plan), *map(stated, rest), *_caveats(plan)),
        environment_reasons={name: tuple(by_name.get(name, ())) for name in plan.environment},
    )


def own_plan(plan: Plan | HostedPlan) -> Plan:
    """The plan, where it is one on own GPUs; raises RequestError for a hosted one, which nothing is launched for."""
    if isinstance(plan, HostedPlan):
        raise RequestError(
            f"{plan.provider.name} runs its own servers; plan with --self-hosted to get settings to write down"
        )
    return plan


def explained(reason: Reason) -> str:
    """Why, in one line, with the id of its source.

    Examples:
        >>> from llama4ref.engine.engine_config import Reason
        >>> explained(Reason(about="max-num-seqs", value="8", because="as asked for", source="vllm-0.32.0"))
        'as asked for [vllm-0.32.0]'
    """
    return f"{reason.because} [{reason.source}]" if reason.source else reason.because


def stated(reason: Reason) -> str:
    """What and why, in one line.

    Examples:
        >>> from llama4ref.engine.engine_config import Reason
        >>> stated(Reason(about="quality", value="beyond 262,144 tokens", because="it was not trained there"))
        'quality, beyond 262,144 tokens: it was not trained there'
    """
    value = f", {reason.value}" if reason.value else ""
    return f"{reason.about.replace('_', ' ')}{value}: {explained(reason)}"


def comment(text: str, *, indent: str = "") -> str:
    """Text as comment lines.

    Examples:
        >>> comment("two words", indent="  ")
        '  # two words'
    """
    wrapped = textwrap.wrap(
        " ".join(text.split()), COMMENT_WIDTH - len(indent) - 2, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(f"{indent}# {'' if index == 0 else '  '}{line}" for index, line in enumerate(wrapped))


def comments(texts: Iterable[str], *, indent: str = "") -> list[str]:
    """Each text as comment lines."""
    return [comment(text, indent=indent) for text in texts if text.strip()]


def quoted(text: str) -> str:
    """Text as a double-quoted YAML scalar.

    Examples:
        >>> print(quoted("auto"))
        "auto"
    """
    return json.dumps(text, ensure_ascii=False)


def _options(plan: Plan, engine: Engine, reasons: Mapping[str, list[Reason]]) -> Iterator[Option]:
    known = set(engine.flags_at(plan.release))
    for setting, value in plan.settings.items():
        name = _bare(setting)
        if name == MODEL:
            continue
        if name not in known:
            raise ReleaseError(_absent(name, engine, plan.release, known))
        yield _option(name, value, engine.flags[name], tuple(reasons.get(name, ())))


def _option(name: str, value: Setting, flag: Flag, reasons: tuple[Reason, ...]) -> Option:
    if flag.takes == "switch":
        if not isinstance(value, bool):
            raise RequestError(f"--{name}: found {value!r}, expected true or false; it is a switch")
        return Option(name=name if value else f"no-{name}", value=None, is_json=False, is_number=False, reasons=reasons)
    if isinstance(value, bool):
        raise RequestError(f"--{name}: found {value}, expected a value; it is no switch")
    if flag.takes == "json":
        return Option(name=name, value=_one_line_json(name, value), is_json=True, is_number=False, reasons=reasons)
    return Option(name=name, value=str(value), is_json=False, is_number=not isinstance(value, str), reasons=reasons)


def _one_line_json(name: str, value: Setting) -> str:
    try:
        return json.dumps(json.loads(str(value)))
    except ValueError as error:
        raise RequestError(f"--{name}: found {value!r}, expected a JSON object") from error


def _absent(name: str, engine: Engine, release: str, known: set[str]) -> str:
    flag = engine.flags.get(name)
    if flag is None:
        near = nearest_names(name, known)
        return f"{engine.name} has no --{name}; " + (f"did you mean --{near[0]}" if near else "take it out of the plan")
    if flag.until is not None and not holds_at(release, since=None, until=flag.until):
        return f"{engine.name} {release} has no --{name}; it was there until {flag.until}" + (
            f": {flag.note}" if flag.note else ""
        )
    return f"{engine.name} {release} has no --{name}; it is there from {flag.since} on"


def _check_variable(name: str, engine: Engine, release: str) -> None:
    variable = engine.environment.get(name)
    if variable is None:
        return
    if not holds_at(release, since=variable.since, until=variable.until):
        raise ReleaseError(
            f"{engine.name} {release} reads no {name}; it is read from {variable.since or engine.first_release}"
            f" until {variable.until or 'now'}"
        )


def _bare(name: str) -> str:
    return name if name.isupper() else name.removeprefix("--").replace("_", "-")


def _repository(plan: Plan) -> str:
    if plan.checkpoint.repository is None:
        raise RequestError(f"{plan.checkpoint.id}: no repository is known to load it from; name a path of your own")
    return plan.checkpoint.repository


def _title(plan: Plan) -> tuple[str, ...]:
    gpus = f"{plan.count} x {plan.accelerator.name}" + (f" over {plan.nodes} nodes" if plan.nodes > 1 else "")
    return (
        f"{plan.model.name}, {plan.checkpoint.id}, on {gpus}, for vLLM {plan.release}",
        f"Promised: {format_tokens(plan.context)} tokens a request, {plan.concurrency:.2f} such requests at once",
    )


def _caveats(plan: Plan) -> tuple[str, ...]:
    return tuple(f"Mind {stated(reason)}" for reason in plan.caveats)
