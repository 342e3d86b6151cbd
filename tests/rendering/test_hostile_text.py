"""Whatever a name or a reason holds: a shell, YAML, Compose and Kubernetes read the value back as it was given."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llama4ref.engine.engine_config import Reason
from llama4ref.errors import RequestError
from llama4ref.rendering.command_line import render_command
from llama4ref.rendering.compose import render_compose
from llama4ref.rendering.config_file import render_config
from llama4ref.rendering.environment_file import render_environment
from llama4ref.rendering.kubernetes import render_kubernetes
from llama4ref.rendering.server_command import server_command

if TYPE_CHECKING:
    from collections.abc import Callable

    from llama4ref.facts.types.engines import Engine
    from llama4ref.planning.outcomes import Plan

CASES = (
    "it's", 'a"b', "$(id)", "`id`", "a;b", "a b", "#x", "- x", "x: y", "{a}", "[a]", "*a", "&a", "!a", "|", ">", "%a", "@a",
    "null", "true", "0x10", "1:30", "~", "$$x", "$x", "$$(x)", "$$$(x)", "${x}", "a\\b", "a\\nb", "a\nb", "a\tb", "é", "😀",
    " a ", "-rf", "--help", "=", "\u00a0", "\u200b", "\ufeffa", "x" * 5000,
)  # fmt: skip
HOSTILE = st.sampled_from(CASES) | st.text(
    st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]) | st.sampled_from("$(){}'\"`\\#:&*!|>%@\n\t -"),
    min_size=1,
    max_size=40,
).filter(lambda text: not re.search("[\ufdd0-\ufdef\ufffe\uffff]", text))
UNWRITABLE = (
    "a\x7fb",
    "a\x80b",
    "a\x85b",
    "a\x00b",
    "a\x1b[31mb",
    "a\x07b",
    "a\ufffeb",
    "a\uffffb",
    "a\u2028b",
    "a\ud800b",
)
EXAMPLES = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def expanded(text: str) -> str:
    """What Kubernetes makes of an argument, no variable being set: `$$` is `$`, `$(name)` stays, by its `expand.go`."""
    result, place = "", 0
    while place < len(text):
        if text.startswith("$$", place):
            result, place = result + "$", place + 2
        else:
            result, place = result + text[place], place + 1
    return result


@dataclass(frozen=True, repr=False)
class Writing:
    """Writes plans whose model, served name, variable and reasons are hostile."""

    with_settings: Callable[..., Plan]
    engine: Engine

    def plan(self, text: str) -> Plan:
        settings = {"model": f"/models/{text}", "served-model-name": text}
        plan = self.with_settings(settings, environment={"HOSTILE": text})
        reasons = tuple(
            Reason(about=name, value=text, because=text) for name in ("served-model-name", "HOSTILE", "more")
        )
        return dataclasses.replace(plan, config=dataclasses.replace(plan.config, reasons=reasons))

    def words(self, text: str) -> list[str]:
        return list(server_command(self.plan(text).config, self.engine).words)


@pytest.fixture
def writing(with_settings: Callable[..., Plan], vllm_facts: Engine) -> Writing:
    return Writing(with_settings, vllm_facts)


@given(texts=st.just(CASES) | st.lists(HOSTILE, min_size=20, max_size=20))
@settings(EXAMPLES, max_examples=15)
def test_a_shell_hands_over_the_words(writing: Writing, texts: list[str]) -> None:
    """Nothing is split, expanded or run by a real one; words are parted by NUL, which none holds."""
    script = 'vllm() { printf "%s\\0" "$HOSTILE" "$@"; }\n' + "\n".join(
        render_command(writing.plan(text), writing.engine) for text in texts
    )
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["sh"], input=script.encode(), capture_output=True, check=True, cwd=folder)
        left = list(Path(folder).iterdir())

    assert done.stdout.decode().split("\0")[:-1] == [
        word for text in texts for word in (text, "serve", *writing.words(text))
    ]
    assert done.stderr == b""
    assert left == []


@given(text=HOSTILE)
@EXAMPLES
def test_yaml_is_read_back(writing: Writing, text: str) -> None:
    """By a parser that is not ours, in all three files; `$` is doubled for Compose and Kubernetes."""
    plan, words, engine = writing.plan(text), writing.words(text), writing.engine
    compose = yaml.safe_load(render_compose(plan, engine))["services"]["vllm"]
    deployment, _ = yaml.safe_load_all(render_kubernetes(plan, engine))
    container = deployment["spec"]["template"]["spec"]["containers"][0]

    assert text in {words[-1], words[-1].removeprefix("--served-model-name=")}
    config = yaml.safe_load(render_config(plan, engine))
    assert (config["model"], config["served-model-name"]) == (f"/models/{text}", text)
    assert [word.replace("$$", "$") for word in compose["command"]] == words
    assert compose["environment"]["HOSTILE"].replace("$$", "$") == text
    assert [expanded(word) for word in container["args"]] == words
    assert {expanded(each.get("value", "")) for each in container["env"] if each["name"] == "HOSTILE"} == {text}


@given(text=HOSTILE.filter(lambda text: "\n" not in text))
@EXAMPLES
def test_an_environment_file_is_a_line_for_a_variable(writing: Writing, text: str) -> None:
    """No reason becomes a line of its own."""
    written = render_environment(writing.plan(text), writing.engine)

    assert [line for line in written.split("\n") if line and line[0] != "#"] == [f"HOSTILE={text}"]


@pytest.mark.parametrize("text", UNWRITABLE)
@pytest.mark.parametrize("write", [render_command, render_config, render_compose, render_kubernetes])
def test_control_characters_are_refused_in_values(
    with_settings: Callable[..., Plan], vllm_facts: Engine, write: Callable[..., str], text: str
) -> None:
    """No form holds all of them, and a terminal would obey some."""
    for changes in (
        {"settings": {"served-model-name": text}},
        {"settings": {"model": text}},
        {"settings": {}, "environment": {"HOSTILE": text}},
    ):
        with pytest.raises(RequestError, match=r"found the character U\+[0-9A-F]{4}"):
            write(with_settings(**changes), vllm_facts)


@pytest.mark.parametrize("text", UNWRITABLE)
def test_control_characters_in_reasons_are_shown_as_escapes(
    with_settings: Callable[..., Plan], vllm_facts: Engine, text: str
) -> None:
    """A comment is text that YAML and a terminal can take."""
    plan = with_settings({"seed": 1})
    reason = Reason(about="seed", value="1", because=text)
    plan = dataclasses.replace(plan, config=dataclasses.replace(plan.config, reasons=(reason,)))
    for write in (render_command, render_config, render_compose, render_kubernetes):
        rendered = write(plan, vllm_facts)

        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\ufffe\uffff\ud800-\udfff]", rendered)
    assert yaml.safe_load(render_config(plan, vllm_facts))["seed"] == 1


@pytest.mark.parametrize("model", ["--trust-remote-code", "-a/b", ""])
def test_a_model_is_never_an_option(with_settings: Callable[..., Plan], vllm_facts: Engine, model: str) -> None:
    """What starts with a dash would be one to the server."""
    with pytest.raises(RequestError, match="expected a repository or a path"):
        render_command(with_settings({"model": model}), vllm_facts)


@pytest.mark.parametrize("name", ["A B", "A=B", "1A", "", "A\n", "$A"])
def test_a_variable_has_a_name_that_a_shell_takes(
    with_settings: Callable[..., Plan], vllm_facts: Engine, name: str
) -> None:
    """Other names would change what is run."""
    with pytest.raises(RequestError, match="expected letters, digits and underscores"):
        render_command(with_settings({}, environment={name: "1"}), vllm_facts)
