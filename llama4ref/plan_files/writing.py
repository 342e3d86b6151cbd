"""How is a plan written to a file: YAML that a person may edit, or JSON where the file is called so?"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING

from llama4ref import __version__
from llama4ref.errors import Fault, PlanFileError
from llama4ref.plan_files.document import FORMAT
from llama4ref.rendering.plan_comments import comments, own_plan, quoted
from llama4ref.wording import jsonable

if TYPE_CHECKING:
    from llama4ref.engine.engine_config import EngineConfig
    from llama4ref.memory.gpu_budget import MemoryBudget
    from llama4ref.performance.throughput import Performance
    from llama4ref.performance.workload import Workload
    from llama4ref.planning.outcomes import HostedPlan, Plan
    from llama4ref.wording import Json

MADE_BY = f"llama4ref {__version__}"
SCHEMA = "https://llama4ref.github.io/llama4ref/schema/plan.schema.json"
_HEAD = (
    "A plan, to be rendered with `llama4ref render --plan FILE` or proven with `llama4ref prove --plan FILE`",
    "Settings and variables may be edited; what they promise is computed again when the file is read",
)
_PLAIN_KEY = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.-]*")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "null", "true", "false", "unknown", "none"})
_FIGURES = ("ttft_seconds", "itl_seconds", "decode_speed", "output_throughput", "max_throughput", "total_throughput")


def write_plan(plan: Plan | HostedPlan, path: str | Path) -> None:
    """Write a plan to a file, whole or not at all; see `save_plan`.

    Raises:
        RequestError: for a hosted plan.
        PlanFileError: where there can be no such file.
    """
    file, own = Path(path), own_plan(plan)
    text = json_text(own) if file.suffix.lower() == ".json" else yaml_text(own)
    try:
        _replace(file, text)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError, ValueError) as error:
        found = getattr(error, "strerror", None) or str(error)
        fault = Fault(str(path), 1, "", found.lower(), "a file that can be written", "name another file with --save")
        raise PlanFileError([fault]) from error


def _replace(file: Path, text: str) -> None:
    """Write a file by way of another one beside it; what is no regular file, such as `/dev/stdout`, is written as it is."""
    if file.exists() and not file.is_file():
        file.write_text(text, encoding="utf-8")
        return
    file = file.resolve()
    beside = file.with_name(f".llama4ref-{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        if file.exists():
            beside.chmod(stat.S_IMODE(file.stat().st_mode))
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


def yaml_text(plan: Plan) -> str:
    """A plan as YAML with a word on how to use it."""
    lines = [f"# yaml-language-server: $schema={SCHEMA}", *comments(_HEAD), *_lines(tree_of(plan), "")]
    return "\n".join(lines) + "\n"


def json_text(plan: Plan) -> str:
    """A plan as JSON."""
    return json.dumps(tree_of(plan), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def tree_of(plan: Plan) -> dict[str, Json]:
    """A plan in the fields of `PlanDocument`; what there is none of is left out."""
    tree = {
        "plan_format": FORMAT,
        "made_by": MADE_BY,
        "model": plan.model.id,
        "checkpoint": plan.checkpoint.id,
        "accelerator": plan.accelerator.id,
        "count": plan.count,
        "nodes": plan.nodes,
        "request": plan.request.as_dict(),
        "config": _config(plan.config),
        "promises": {
            "context": plan.context,
            "largest_context": plan.largest_context,
            "max_concurrency": plan.max_concurrency,
            "kv_cache_tokens": plan.kv_cache_tokens,
            "budget": _budget(plan.budget),
            "performance": _performance(plan.performance, plan.workload),
            "caveats": plan.caveats,
        },
    }
    written = _without_none(jsonable(tree))
    if not isinstance(written, dict):
        raise TypeError("a plan is a mapping")
    return written


def sizes_of(config: EngineConfig) -> dict[str, object]:
    """The sizes of a configuration by name."""
    named = {each.name: getattr(config, each.name) for each in fields(config)}
    for name in ("layout", "settings", "environment", "reasons"):
        del named[name]
    return {**asdict(config.layout), **named}


def _config(config: EngineConfig) -> dict[str, object]:
    return {
        "release": config.release,
        "settings": config.settings,
        "environment": config.environment,
        "sizes": sizes_of(config),
        "reasons": config.reasons,
    }


def _budget(budget: MemoryBudget) -> dict[str, object]:
    names = ("total_bytes", "requested_bytes", "kv_cache_bytes", "kv_cache_at_least_bytes", "free_bytes", "lines")
    return {name: getattr(budget, name) for name in names}


def _performance(performance: Performance | None, workload: Workload | None) -> dict[str, object] | None:
    if performance is None or workload is None:
        return None
    return {
        "workload": workload,
        "batch": performance.batch,
        "largest_batch": performance.largest_batch,
        "bottleneck": performance.bottleneck,
        "figures": {name: getattr(performance, name) for name in _FIGURES},
    }


def _without_none(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value


def _lines(value: Mapping[str, Json], indent: str) -> Iterator[str]:
    for key, item in value.items():
        name = key if _PLAIN_KEY.fullmatch(key) and key.lower() not in _WORDS else quoted(key)
        if isinstance(item, Mapping) and item:
            yield f"{indent}{name}:"
            yield from _lines(item, f"{indent}  ")
        elif isinstance(item, list) and item:
            yield f"{indent}{name}:"
            yield from _items(item, f"{indent}  ")
        else:
            yield f"{indent}{name}: {_scalar(item)}"


def _items(items: Sequence[Json], indent: str) -> Iterator[str]:
    for item in items:
        inner = _lines(item, f"{indent}  ") if isinstance(item, Mapping) else iter([f"{indent}  {_scalar(item)}"])
        yield f"{indent}- {next(inner).strip()}"
        yield from inner


def _scalar(value: Json) -> str:
    return quoted(value) if isinstance(value, str) else json.dumps(value, allow_nan=False)
