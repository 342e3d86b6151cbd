"""Whatever a file holds, what is wrong is told by line and field in one message, and nothing is guessed."""

from __future__ import annotations

import os
import re
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llama4ref.errors import PlanFileError
from llama4ref.facts import load
from llama4ref.plan_files import load_plan
from llama4ref.plan_files.reading import LARGEST_BYTES, read_plan_text
from llama4ref.plan_files.restoring import restored
from llama4ref.plan_files.writing import yaml_text
from llama4ref.planning import Plan, PlanRequest, plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BOMB = "a0: &a0 {k: 1}\n" + "".join(
    f"a{n}: &a{n} {{{', '.join(f'k{m}: *a{n - 1}' for m in range(9))}}}\n" for n in range(1, 10)
)
HEAD = "plan_format: 1\n"


def told(path: Path) -> list[str]:
    """The lines of the message about a file; each names the file and a line."""
    with pytest.raises(PlanFileError) as refused:
        load_plan(path)
    lines = str(refused.value).splitlines()
    assert refused.value.exit_code == 2
    assert all(re.match(rf"{re.escape(str(path))}:\d+[ :]", line) for line in lines if not line.startswith("and "))
    return lines


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"", 1, "no mapping"),
        (b"\xff\xfe", 1, "not UTF-8"),
        (b'plan_format: 1\nmodel: "\xff"\n', 2, "not UTF-8"),
        (b"plan_format: 1\nmodel: a\x00b\n", 2, "U\\+0000"),
        ("plan_format: 1\nmodel: a\ufffeb\n".encode(), 2, "U\\+FFFE"),
        (b"[1, 2]", 1, "no mapping"),
        (b"a: 1\n", 1, "no field plan_format"),
        (b"a: 1\nplan_format: 2\n", 2, "plan_format: found 2, expected 1; save the plan again"),
        (b"plan_format: true\n", 1, "found True, expected 1"),
        (b"plan_format: {}\n", 1, "found a group, expected 1"),
        (b'plan_format: "1"\n', 1, "expected 1"),
        (b"plan_format: 1\nplan_format: 1\n", 2, "the key a second time"),
        (b"plan_format: 1\nmodel: !!python/object/apply:os.system [id]\n", 2, "the tag"),
        (b"plan_format: 1\nmodel: *x\n", 2, "found an alias"),
        (b"plan_format: 1\n<<: {a: 1}\n", 2, "no plain word"),
        (b"plan_format: 1\nmodel: .nan\n", 2, "a number in its shortest spelling"),
        (b"plan_format: 1\nmodel: NaN\n", 1, "made_by: found nothing"),
        (b"plan_format: 1\nmodel: yes\n", 2, "YAML readers disagree"),
        (b"plan_format: 1\n\tmodel: 1\n", 2, ""),
        (b"plan_format: 1\n--- \nplan_format: 1\n", 2, "another document"),
        (b"{" * 5000, 1, ""),
        (b"plan_format: " + b"[" * 200_000, 1, ""),
        (b"plan_format: 1\na: " + b"{b: " * 400 + b"1" + b"}" * 400, 1, ""),
        (b"plan_format: " + b"9" * 5000, 1, "number"),
        (BOMB.encode(), 1, "an anchor"),
        ((HEAD + BOMB).encode(), 2, "an anchor"),
    ],
)  # fmt: skip
def test_what_is_no_plan_file_is_told_by_line(tmp_path: Path, content: bytes, line: int, words: str) -> None:
    """Also what would take memory without end where it was believed."""
    file = tmp_path / "plan.yaml"
    file.write_bytes(content)
    tracemalloc.start()
    lines = told(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert lines[0].startswith(f"{file}:{line}")
    assert re.search(words, lines[0])
    assert len(lines[0]) < 800
    assert len(lines) < 20
    assert peak < 400 * 2**20


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    """A folder, a pipe that nobody writes to, a device without end, and nothing at all."""
    pipe, gone, link = tmp_path / "pipe", tmp_path / "gone", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(gone)

    assert "a folder" in told(tmp_path)[0]
    assert "no regular file" in told(pipe)[0]
    assert "no such file" in told(gone)[0]
    assert "no such file" in told(link)[0]
    with pytest.raises(PlanFileError, match="no regular file"):
        load_plan("/dev/zero")
    with pytest.raises(PlanFileError, match="null"):
        load_plan("a\0b")


def test_a_file_that_is_much_larger_than_any_plan_is_not_read(saved: Path) -> None:
    """However right its beginning is."""
    with saved.open("a", encoding="utf-8") as stream:
        stream.write("#" * LARGEST_BYTES)

    assert f"more than {LARGEST_BYTES:,} bytes" in told(saved)[0]


@pytest.mark.parametrize(
    ("old", "new", "field", "words"),
    [
        ("count: 8", "count: 8.5", "count", "integer"),
        ("count: 8", "count: true", "count", "integer"),
        ('model: "scout"', "model: 5", "model", "a valid string"),
        ('made_by: "', 'made_for: "', "made_for", "an unknown key"),
        ("config:", "configs:", "configs", "an unknown key"),
        ("max_num_seqs: 4", "max_num_seqs: unknown", "config.sizes.max_num_seqs", "a valid integer"),
        ("max-num-seqs: 4", "max-num-seqs: none", "config.settings.max-num-seqs", "text, a number, true or false"),
        ("max-num-seqs: 4", "max-num-seqs: [4]", "config.settings.max-num-seqs", "text, a number, true or false"),
        ("max-num-seqs: 4", "max-num-seqs: {a: 4}", "config.settings.max-num-seqs", "text, a number, true or false"),
        ("environment: {}", "environment: {A: 1}", "config.environment.A", "a valid string"),
        ("environment: {}", "environment: []", "config.environment", "an object"),
        ("  concurrency: 4", "  concurrency: [4]", "request.concurrency", "text, a number, true or false"),
        ("  kv_cache_tokens: ", "  kv_cache_tokens: -0.5 #", "promises.kv_cache_tokens", "integer"),
        ("prompt_tokens: 1000", "prompt_tokens: 0", "promises.performance.workload", "at least 1"),
    ],
)  # fmt: skip
def test_a_field_of_the_wrong_kind_is_told_by_its_line(saved: Path, old: str, new: str, field: str, words: str) -> None:
    """Each is one line of the message, at the line of the field."""
    text = saved.read_text(encoding="utf-8")
    assert old in text
    saved.write_text(text.replace(old, new, 1), encoding="utf-8")
    at = text[: text.index(old)].count("\n") + 1
    (line,) = [line for line in told(saved) if f" {field}: " in line]

    assert words in line
    assert abs(int(line.removeprefix(f"{saved}:").partition(" ")[0]) - at) <= (field == "promises.performance.workload")


def test_all_faults_are_told_at_once_and_not_without_end(saved: Path) -> None:
    """By line, and a few of them are enough."""
    text = saved.read_text(encoding="utf-8")
    saved.write_text(text + "".join(f"x{n}: 1\n" for n in range(1000)), encoding="utf-8")
    lines = told(saved)

    assert len(lines) < 20
    assert re.fullmatch(r"and \d+ more", lines[-1])


@pytest.mark.parametrize("name", ["plan_format", "made_by", "model", "count", "request", "config", "promises"])
def test_a_missing_field_is_told(saved: Path, name: str) -> None:
    """With the field, and what to do."""
    text = saved.read_text(encoding="utf-8")
    without = re.sub(rf"(?m)^{name}:.*\n(?:[ ].*\n)*", "", text, count=1)
    assert without != text
    saved.write_text(without, encoding="utf-8")

    assert any(name in line and "save" in line for line in told(saved))


CATALOG = load()
BEST = plan(PlanRequest(model="scout", gpu="h100-sxm", count=8, context="1M", engine_release="0.32.0"), CATALOG).best
assert isinstance(BEST, Plan)
TEXT = yaml_text(BEST)
LINES = TEXT.splitlines()


@given(
    number=st.integers(0, len(LINES) - 1),
    value=st.one_of(
        st.text(max_size=30),
        st.integers(),
        st.floats(),
        st.sampled_from(["{}", "[]", "none", "true", "-1", "1e400", "- a"]),
    ),
)
@settings(deadline=None, max_examples=300)
def test_one_line_of_anything_is_a_plan_or_a_message(number: int, value: object) -> None:
    """Never another error, whatever a person writes behind a field."""
    name, _, _ = LINES[number].partition(":")
    text = "\n".join([*LINES[:number], f"{name}: {value}", *LINES[number + 1 :]])
    message = ""
    try:
        restored(read_plan_text(text, "plan.yaml"), CATALOG)
    except PlanFileError as error:
        message = str(error)

    assert message == "" or message.startswith("plan.yaml:")


def test_a_plan_of_another_catalogue_is_told(edited: Callable[..., Plan]) -> None:
    """What a name stands for must be there."""
    with pytest.raises(PlanFileError, match=r"accelerator: found 'h100-sxn', .* did you mean h100-sxm"):
        edited(('accelerator: "h100-sxm"', 'accelerator: "h100-sxn"'))
