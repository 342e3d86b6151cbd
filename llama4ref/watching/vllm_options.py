"""Options, environment variables and quantization methods of one vLLM release."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator, Mapping

from llama4ref.watching.class_defaults import Defaults
from llama4ref.watching.python_files import PythonFiles
from llama4ref.watching.syntax import (
    NOT_READ,
    Default,
    NotRead,
    assigned,
    assignments,
    called,
    classes,
    constant,
    functions,
    keys,
    keyword,
    names,
    returned,
    words,
)

Readings = dict[str, object]
"""Values by the path of the field in the specs; a bare `flags.NAME` is whether there is one of that name."""
_ARGUMENTS = ("vllm/engine/arg_utils.py", "vllm/entrypoints/*cli_args.py", "vllm/entrypoints/cli/serve.py")
LISTING = ("rocm", "xpu")
"""Platforms whose classes list the quantization methods that they take."""
_YES_NO = {"False": "0", "false": "0", "True": "1", "true": "1"}
_FRONTENDS = ("FrontendArgs", "BaseFrontendArgs")
_QUANTIZATION = "vllm/model_executor/layers/quantization"
_ONLINE = "vllm/config/quantization.py"
_PARSERS = ("vllm/entrypoints/openai/tool_parsers/*", "vllm/tool_parsers/*", "vllm/parser/*")


@functools.lru_cache(maxsize=1)
def options(files: PythonFiles) -> Readings:
    """Every option of the server, with its default where that is a constant."""
    defaults = Defaults(files)
    found: Readings = {}
    for place in files.matching(*_ARGUMENTS):
        tree = files.tree(place)
        groups = dict(_groups(tree))
        for call in called(tree, "add_argument"):
            for name in _option_names(call):
                found[f"flags.{name}"] = True
                _note(found, f"flags.{name}.default", _default(call, groups, defaults))
        for name in _looped_names(tree):
            found.setdefault(f"flags.{name}", True)
    for class_ in _FRONTENDS:
        for field in defaults.fields(class_):
            name = field.replace("_", "-")
            found[f"flags.{name}"] = True
            _note(found, f"flags.{name}.default", defaults.of(class_, field))
    return found


def _looped_names(tree: ast.AST) -> Iterator[str]:
    """Names of options that a loop over a list adds."""
    for loop in ast.walk(tree):
        if isinstance(loop, ast.For) and any(called(loop, "add_argument")):
            yield from (each.removeprefix("--") for each in words(loop.iter) if each.startswith("--"))


def _note(found: Readings, path: str, value: Default | NotRead) -> None:
    if value is not NOT_READ:
        found[path] = written(value)


def written(default: object) -> str | None:
    """A default as on a command line; none where it is empty."""
    if isinstance(default, bool):
        return str(default).lower()
    return None if default is None or default == "" else str(default)


def _groups(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Names such as `cache_kwargs`, with the class whose fields they hold."""
    for name, value in assignments(tree):
        if isinstance(value, ast.Call) and value.args and isinstance(value.args[0], ast.Name):
            yield name, value.args[0].id


def _option_names(call: ast.Call) -> Iterator[str]:
    for each in call.args:
        value = constant(each)
        if isinstance(value, str) and value.startswith("--"):
            yield value.removeprefix("--").replace("_", "-")


def _default(call: ast.Call, groups: Mapping[str, str], defaults: Defaults) -> Default | NotRead:
    own = keyword(call, "default")
    if own is not None:
        return defaults.value(own)
    action = constant(keyword(call, "action"))
    if action == "store_true":
        return False
    for each in call.keywords:
        match each:
            case ast.keyword(
                arg=None, value=ast.Subscript(value=ast.Name(id=group), slice=ast.Constant(value=str(field)))
            ):
                return defaults.of(groups.get(group, ""), field)
            case _:
                pass
    return None if not any(each.arg is None for each in call.keywords) else NOT_READ


def option_values(files: PythonFiles) -> Readings:
    """Values and forms that not every release takes."""
    parsers = tool_parsers(files)
    found: Readings = {
        f"flags.tool-call-parser.values.{name}": name in parsers
        for name in ("llama4_json", "llama4_pythonic", "pythonic")
    }
    caches = [_cache_types(files, place) for place in files.matching("vllm/config.py", "vllm/config/cache.py")]
    found["flags.kv-cache-dtype.values.bfloat16"] = any("bfloat16" in each for each in caches)
    found["flags.limit-mm-per-prompt.json_since"] = not _takes_pairs(files.tree("vllm/engine/arg_utils.py"))
    return found


def tool_parsers(files: PythonFiles) -> frozenset[str]:
    """Names, and other texts, in the files of parsers that know a form of Llama's."""
    places = files.mentioning("pythonic", *_PARSERS) + files.mentioning("llama4_json", *_PARSERS)
    return frozenset[str]().union(*(words(files.tree(name)) for name in places))


def _cache_types(files: PythonFiles, place: str) -> frozenset[str]:
    return words(assigned(files.tree(place), "CacheDType"))


def _takes_pairs(tree: ast.AST) -> bool:
    return any(
        "nullable_kvs" in names(call)
        for call in called(tree, "add_argument")
        if "limit-mm-per-prompt" in _option_names(call)
    )


@functools.lru_cache(maxsize=1)
def variables(files: PythonFiles) -> Readings:
    """Environment variables, with the default as they would be written."""
    tree = files.tree("vllm/envs.py")
    table = assigned(tree, "environment_variables")
    if not isinstance(table, ast.Dict):
        return {}
    found: Readings = {}
    for key, value in zip(table.keys, table.values, strict=True):
        name = constant(key)
        if isinstance(name, str):
            found[f"environment.{name}"] = True
            found[f"environment.{name}.default"] = _read_default(value, name, tree)
    return found


def _read_default(expression: ast.expr, name: str, tree: ast.AST) -> str | None:
    """The text that stands for a variable that is not set; a word for yes or no as 1 or 0."""
    match expression:
        case ast.Name(id=function):
            return next((_given(each, name) for each in [functions(tree).get(function)] if each), None)
        case ast.Lambda(body=ast.IfExp(orelse=ast.Constant(value=None))):
            return None
        case _:
            return _given(expression, name)


def _given(node: ast.AST, name: str) -> str | None:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and len(call.args) > 1 and constant(call.args[0]) == name:
            default = constant(call.args[1])
            return _YES_NO.get(default, default or None) if isinstance(default, str) else None
    return None


def methods(files: PythonFiles) -> Readings:
    """Names of quantization methods, online shorthands among them, with capability and platforms."""
    tree = files.tree(f"{_QUANTIZATION}/__init__.py")
    known = words(assigned(tree, "QuantizationMethods") or assigned(tree, "QUANTIZATION_METHODS"))
    online = files.tree(_ONLINE)
    shorthand = keys(assigned(online, "_ONLINE_SHORTHANDS")) | words(assigned(online, "ONLINE_QUANT_SHORTHAND_NAMES"))
    found: Readings = {}
    for name in known | shorthand:
        found[f"methods.{name}"] = True
    return found | _capabilities(files, known, shorthand) | _method_platforms(files, known | shorthand)


def _capabilities(files: PythonFiles, known: frozenset[str], shorthand: frozenset[str]) -> Readings:
    table = assigned(files.tree(f"{_QUANTIZATION}/__init__.py"), "method_to_config")
    configs: dict[str, str] = dict.fromkeys(shorthand, "OnlineQuantizationConfig")
    if isinstance(table, ast.Dict):
        pairs = zip(table.keys, table.values, strict=True)
        configs |= {str(constant(key)): value.id for key, value in pairs if key and isinstance(value, ast.Name)}
    made: dict[str, ast.ClassDef] = {}
    for place in files.mentioning("def get_min_capability", f"{_QUANTIZATION}/*"):
        made |= classes(files.tree(place))
    found: Readings = {}
    for name in known ^ shorthand:  # one that is both asks for one capability here and for another there
        lowest = (
            returned(functions(made[configs[name]]).get("get_min_capability"))
            if configs.get(name) in made
            else NOT_READ
        )
        if isinstance(lowest, int):
            found[f"methods.{name}.min_capability"] = lowest
    return found


def _method_platforms(files: PythonFiles, known: frozenset[str]) -> Readings:
    """Whether the platforms that list their methods list these."""
    found: Readings = {}
    for platform in LISTING:
        listed = assigned(files.tree(f"vllm/platforms/{platform}.py"), "supported_quantization")
        if isinstance(listed, ast.List):
            found |= {f"methods.{name}.platforms.{platform}": name in words(listed) for name in known}
    return found


__all__ = ["LISTING", "Readings", "methods", "option_values", "options", "tool_parsers", "variables", "written"]
