"""The command of a plan is one that a shell and vLLM read."""

from __future__ import annotations

import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import ReleaseError, RequestError
from llama4ref.planning.planner import plan
from llama4ref.planning.request import PlanRequest
from llama4ref.rendering.command_line import render_command

if TYPE_CHECKING:
    from collections.abc import Callable

    from llama4ref.facts import Catalog
    from llama4ref.facts.types.engines import Engine
    from llama4ref.planning.outcomes import Plan


def _words(command: str) -> list[str]:
    """What a POSIX shell makes of the command, with a program of its own in place of vllm."""
    script = 'vllm() { printf "%s\\n" "$@"; }\n' + command
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_shell_gives_vllm_every_setting(plans: dict[str, Plan], vllm_facts: Engine) -> None:
    """A real shell hands over the model and each setting with its value, and takes no comment for one."""
    words = _words(render_command(plans["scout-1m-8xh100"], vllm_facts))

    assert words[:2] == ["serve", "meta-llama/Llama-4-Scout-17B-16E-Instruct"]
    assert words[words.index("--max-model-len") + 1] == "1048576"
    assert words[words.index("--limit-mm-per-prompt") + 1] == '{"image": 0}'


def test_each_setting_has_its_reason_above_the_command(plans: dict[str, Plan], vllm_facts: Engine) -> None:
    """Comments come first, so that the continued lines stay one command."""
    text = render_command(plans["scout-1m-8xh100"], vllm_facts)
    comments, _, command = text.partition("\nvllm serve ")

    assert all(line.startswith("#") for line in comments.splitlines())
    assert "#" not in command
    assert all(f"# --{name}: " in comments for name in plans["scout-1m-8xh100"].settings if name != "model")


def test_variables_stand_before_the_command(plans: dict[str, Plan], vllm_facts: Engine) -> None:
    """What a plan sets in the environment is set for the server."""
    text = render_command(plans["scout-hybrid-opt-in-0.13"], vllm_facts)

    assert "\nVLLM_ALLOW_CHUNKED_LOCAL_ATTN_WITH_HYBRID_KV_CACHE=1 \\\nvllm serve " in text


def test_each_node_gets_its_command(plans: dict[str, Plan], vllm_facts: Engine) -> None:
    """Two nodes are told apart by their rank; only the first answers requests."""
    text = render_command(plans["scout-2-nodes"], vllm_facts)
    first, second = text.split("# On node ")[1:]

    assert "--node-rank 0" in first
    assert "--headless" not in first
    assert "--node-rank 1" in second
    assert "--headless" in second


def test_nodes_of_older_releases_need_ray(catalog: Catalog, vllm_facts: Engine) -> None:
    """Where the release cannot start nodes itself, the command says what can."""
    best = plan(PlanRequest(model="scout", gpu="h100-sxm", count=16, nodes=2, engine_release="0.10.2"), catalog).best

    assert "Ray cluster" in render_command(best, vllm_facts)


@pytest.mark.parametrize(
    ("setting", "release", "message"),
    [
        ("nnodes", "0.10.0", r"vLLM 0\.10\.0 has no --nnodes; it is there from 0\.11\.1 on"),
        ("swap-space", "0.32.0", r"vLLM 0\.32\.0 has no --swap-space; it was there until 0\.18\.0"),
        ("max-modellen", "0.32.0", r"vLLM has no --max-modellen; did you mean --max-model-len"),
    ],
)
def test_a_flag_that_the_release_lacks_is_never_written(
    with_settings: Callable[..., Plan], vllm_facts: Engine, setting: str, release: str, message: str
) -> None:
    """It is an error that says from when until when the flag exists."""
    with pytest.raises(ReleaseError, match=message):
        render_command(with_settings({setting: 1}, release=release), vllm_facts)


def test_a_variable_that_the_release_does_not_read_is_never_written(
    with_settings: Callable[..., Plan], vllm_facts: Engine
) -> None:
    """It is an error that says from when it is read."""
    broken = with_settings({}, release="0.10.0", environment={"VLLM_USE_V2_MODEL_RUNNER": "1"})

    with pytest.raises(ReleaseError, match=r"0\.10\.0 reads no VLLM_USE_V2_MODEL_RUNNER; it is read from 0\.12\.0"):
        render_command(broken, vllm_facts)


@pytest.mark.parametrize(
    ("setting", "value", "expected"),
    [
        ("enable-prefix-caching", False, "--no-enable-prefix-caching"),
        ("enable-prefix-caching", True, "--enable-prefix-caching"),
        ("served_model_name", "it's $HOME", "--served-model-name 'it'\"'\"'s $HOME'"),
    ],
)
def test_values_are_spelled_for_the_shell(
    with_settings: Callable[..., Plan], vllm_facts: Engine, setting: str, value: object, expected: str
) -> None:
    """Switches are turned off by name, names take dashes, and quotes hold what a shell would change."""
    text = render_command(with_settings({setting: value}), vllm_facts)

    assert expected in text
    assert shlex.split(expected) == _words(text)[2:]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"enforce-eager": "yes"}, "found 'yes', expected true or false"),
        ({"max-model-len": True}, "expected a value; it is no switch"),
        ({"limit-mm-per-prompt": "{image: 0}"}, "expected a JSON object"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(
    with_settings: Callable[..., Plan], vllm_facts: Engine, settings: dict[str, object], message: str
) -> None:
    """A plan made by hand is checked too."""
    with pytest.raises(RequestError, match=message):
        render_command(with_settings(settings), vllm_facts)


def test_a_hosted_plan_has_nothing_to_launch(catalog: Catalog, vllm_facts: Engine) -> None:
    """The error says how to get a plan that has."""
    hosted = plan(PlanRequest(model="scout", hosted=True), catalog).best

    with pytest.raises(RequestError, match="--self-hosted"):
        render_command(hosted, vllm_facts)
