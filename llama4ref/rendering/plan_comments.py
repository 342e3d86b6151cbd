"""How are a plan and its reasons told in comments, and how is text quoted for YAML?"""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING

from llama4ref.errors import RequestError
from llama4ref.planning.outcomes import HostedPlan
from llama4ref.rendering.server_command import flag_name
from llama4ref.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llama4ref.engine.engine_config import Reason
    from llama4ref.planning.outcomes import Plan
    from llama4ref.rendering.server_command import ServerCommand

COMMENT_WIDTH = 100
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufdd0-\ufdef\ufeff\ufffe\uffff\ud800-\udfff]")
"""What YAML reads as a line break or not at all, and what a terminal would obey."""


def own_plan(plan: Plan | HostedPlan) -> Plan:
    """The plan, where it is one on own GPUs; raises RequestError for a hosted one, which nothing is launched for."""
    if isinstance(plan, HostedPlan):
        raise RequestError(
            f"{plan.provider.name} runs its own servers; plan with --self-hosted to get settings to write down"
        )
    return plan


def heading(plan: Plan, command: ServerCommand) -> tuple[str, ...]:
    """What the plan is, and the reasons and caveats that belong to no option, in lines of text."""
    named = {name for option in command.options for name in (option.name, option.name.removeprefix("no-"))}
    rest = [reason for reason in plan.reasons if flag_name(reason.about) not in named | command.environment.keys()]
    return (*_title(plan), *map(stated, rest), *(f"Caveat: {stated(reason)}" for reason in plan.caveats))


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
        " ".join(_escaped(text).split()),
        COMMENT_WIDTH - len(indent) - 2,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(f"{indent}# {'' if index == 0 else '  '}{line}" for index, line in enumerate(wrapped))


def comments(texts: Iterable[str], *, indent: str = "") -> list[str]:
    """Each text as comment lines."""
    return [comment(text, indent=indent) for text in texts if text.strip()]


def quoted(text: str) -> str:
    r"""Text as a double-quoted YAML scalar, with an escape for each character that YAML does not hold as it is.

    Examples:
        >>> print(quoted("auto"), quoted("a\x7fb"))
        "auto" "a\u007fb"
    """
    return _escaped(json.dumps(text, ensure_ascii=False))


def _escaped(text: str) -> str:
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _title(plan: Plan) -> tuple[str, ...]:
    gpus = f"{plan.count} x {plan.accelerator.name}" + (f" over {plan.nodes} nodes" if plan.nodes > 1 else "")
    return (
        f"{plan.model.name}, {plan.checkpoint.id}, on {gpus}, for vLLM {plan.release}",
        f"Promised: {counted(plan.context, 'token')} a request, max concurrency {plan.max_concurrency:.2f} x that",
    )
