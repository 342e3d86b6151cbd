"""The configuration file and the command mean the same to vLLM's own parser, and are what the plan says."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import pytest
import yaml

from llama4ref.rendering.command_line import render_command
from llama4ref.rendering.config_file import render_config

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from pathlib import Path

    from llama4ref.facts.types.engines import Engine
    from llama4ref.planning.outcomes import Plan

OF_0_32 = ["scout-1m-8xh100", "maverick-images-tools-8xh200", "scout-mi300x-no-hybrid", "scout-2-nodes"]


@pytest.fixture(scope="module")
def serve() -> Callable[[list[str]], argparse.Namespace]:
    """vLLM's parser of `vllm serve`."""
    pytest.importorskip("vllm")
    from llama4ref.proving.model_files.torch_companions import repair_torch_companions

    repair_torch_companions()
    from vllm.entrypoints.cli.serve import ServeSubcommand
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    parser = FlexibleArgumentParser()
    ServeSubcommand().subparser_init(parser.add_subparsers(required=False, dest="subparser"))
    return parser.parse_args


def _of_config(serve: Callable[[list[str]], argparse.Namespace], text: str, folder: Path) -> dict[str, object]:
    file = folder / "plan.yaml"
    file.write_text(text, encoding="utf-8")
    parsed = vars(serve(["serve", "--config", str(file)]))
    return parsed | {"model": parsed["model_tag"] or parsed["model"]}


def _of_command(serve: Callable[[list[str]], argparse.Namespace], text: str) -> dict[str, object]:
    command = text[text.index("vllm serve ") :].split("\n#", maxsplit=1)[0].replace("\\\n", " ")
    parsed = vars(serve(shlex.split(command)[1:]))
    return parsed | {"model": parsed["model_tag"] or parsed["model"]}


def _meant(value: object) -> object:
    return json.loads(value) if isinstance(value, str) and value.startswith("{") else value


@pytest.mark.vllm
@pytest.mark.parametrize("name", OF_0_32)
def test_vllm_reads_the_file_as_the_plan_means_it(
    plans: dict[str, Plan], vllm_facts: Engine, serve: Callable[..., argparse.Namespace], tmp_path: Path, name: str
) -> None:
    """Each setting arrives with its value."""
    parsed = _of_config(serve, render_config(plans[name], vllm_facts), tmp_path)

    for setting, value in plans[name].settings.items():
        found = parsed[setting.replace("-", "_")]
        assert getattr(found, "value", found) == _meant(value), setting


@pytest.mark.vllm
@pytest.mark.parametrize("name", OF_0_32[:3])
def test_file_and_command_mean_the_same(
    plans: dict[str, Plan], vllm_facts: Engine, serve: Callable[..., argparse.Namespace], tmp_path: Path, name: str
) -> None:
    """Every option that vLLM knows has the same value from either."""
    from_file = _of_config(serve, render_config(plans[name], vllm_facts), tmp_path)
    from_command = _of_command(serve, render_command(plans[name], vllm_facts))
    how = {"config", "model_tag"}

    assert {key: str(value) for key, value in from_file.items() if key not in how} == {
        key: str(value) for key, value in from_command.items() if key not in how
    }


@pytest.mark.vllm
@pytest.mark.parametrize("value", [True, False])
def test_vllm_reads_switches_of_the_file(
    with_settings: Callable[..., Plan],
    vllm_facts: Engine,
    serve: Callable[..., argparse.Namespace],
    tmp_path: Path,
    *,
    value: bool,
) -> None:
    """On stays on, and off is off although the default is another."""
    text = render_config(with_settings({"enable-prefix-caching": value, "enforce-eager": True}), vllm_facts)
    parsed = _of_config(serve, text, tmp_path)

    assert parsed["enable_prefix_caching"] is value
    assert parsed["enforce_eager"] is True


@pytest.mark.parametrize("name", OF_0_32)
def test_the_file_is_yaml_with_a_key_for_each_setting(plans: dict[str, Plan], vllm_facts: Engine, name: str) -> None:
    """Values are those of the plan; JSON is text, which every release reads."""
    parsed = yaml.safe_load(render_config(plans[name], vllm_facts))

    assert list(parsed) == list(plans[name].settings)
    assert parsed == plans[name].settings


def test_what_a_file_cannot_set_is_said_in_it(plans: dict[str, Plan], vllm_facts: Engine) -> None:
    """Environment variables are named in a comment."""
    text = render_config(plans["scout-hybrid-opt-in-0.13"], vllm_facts)

    assert "VLLM_ALLOW_CHUNKED_LOCAL_ATTN_WITH_HYBRID_KV_CACHE=1" in text.partition("\nmodel: ")[0]
