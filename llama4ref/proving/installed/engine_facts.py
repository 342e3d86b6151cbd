"""Are the facts about vLLM those of the installed one?"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, get_args

from llama4ref.facts.types.releases import holds_at, normalized_release
from llama4ref.proving.environment import need
from llama4ref.proving.model_files.torch_companions import repair_torch_companions

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Mapping

    from llama4ref.facts.types.engines import Engine, Method
    from llama4ref.facts.types.serving import Variable


def installed_vllm() -> str:
    """The release of the installed vLLM; raises MissingExtraError where none is."""
    need("vllm")
    repair_torch_companions()
    from vllm.version import __version__

    return normalized_release(str(__version__))


def differing_facts(engine: Engine) -> tuple[str, ...]:
    """Where the installed release contradicts the facts about options, defaults, methods and variables.

    Raises:
        MissingExtraError: where vLLM is not installed.
        ReleaseError: where the facts do not cover the installed release.
    """
    release = engine.at(installed_vllm()).release
    return (*_flags(engine, release), *_methods(engine, release), *_variables(engine, release))


def server_options() -> dict[str, argparse.Action]:
    """Options of the installed server by name, negations left out."""
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    try:
        from vllm.entrypoints.launchers.cli_args import make_arg_parser
    except ImportError:
        from vllm.entrypoints.openai.cli_args import make_arg_parser
    parser = make_arg_parser(FlexibleArgumentParser())
    names = [(name.removeprefix("--"), action) for action in parser._actions for name in action.option_strings]  # noqa: SLF001  # argparse lists them nowhere else
    return {name: action for name, action in names if not name.startswith(("-", "no-"))}


def _flags(engine: Engine, release: str) -> Iterator[str]:
    there, facts = server_options(), set(engine.flags_at(release))
    yield from (f"--{name}: the facts have it at {release}, vLLM does not" for name in sorted(facts - set(there)))
    for name in sorted((set(engine.flags) - facts) & set(there)):
        yield f"--{name}: vLLM has it at {release}, the facts do not"
    for name in sorted(facts & set(there)):
        flag, default = engine.flags[name], _written(there[name].default)
        if flag.takes != "json" and flag.default != default:
            yield f"--{name}: default {flag.default} in the facts, {default} in vLLM {release}"
        if (flag.takes == "switch") != (there[name].nargs == 0):
            yield f"--{name}: the facts say it takes {flag.takes}, vLLM {release} disagrees"


def _methods(engine: Engine, release: str) -> Iterator[str]:
    from vllm.config.quantization import ONLINE_QUANT_SHORTHAND_NAMES
    from vllm.model_executor.layers.quantization import QuantizationMethods

    there = {str(name) for name in (*get_args(QuantizationMethods), *ONLINE_QUANT_SHORTHAND_NAMES)}
    for name in sorted(_held(engine.methods, release) ^ there):
        yield f"quantization method {name}: {'only vLLM' if name in there else 'only the facts'} know it at {release}"


def _variables(engine: Engine, release: str) -> Iterator[str]:
    from vllm import envs

    there = set(envs.environment_variables) & set(engine.environment)
    for name in sorted(_held(engine.environment, release) ^ there):
        yield f"{name}: {'only vLLM reads' if name in there else 'only the facts have'} it at {release}"


def _held(spans: Mapping[str, Method] | Mapping[str, Variable], release: str) -> set[str]:
    return {name for name, span in spans.items() if holds_at(release, since=span.since, until=span.until)}


def _written(default: object) -> str | None:
    """A parser's default as written on a command line; None where it is empty or the engine finds it itself."""
    if isinstance(default, enum.Enum):
        default = default.value
    if isinstance(default, bool):
        return str(default).lower()
    return str(default) if isinstance(default, (str, int, float)) and default != "" else None
