"""Wrong specs are all told at once; stale schemas and contradicted claims fail."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import llama4ref
from llama4ref.facts.loading import specs_folder
from llama4ref.facts.types.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from llama4ref.facts import Catalog
    from tests.cli.conftest import Answer


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """A copy of the specs to break."""
    return shutil.copytree(specs_folder(), tmp_path / "specs")


def _change(file: Path, old: str, new: str) -> int:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_packages_own_specs_are_right(call: Callable[..., Answer]) -> None:
    """Specs, claims and schemas."""
    answer = call("check", "--no-engine")

    assert answer.code == 0, answer.out + answer.err
    assert "engine skipped not asked for" in " ".join(answer.out.split())


def test_every_fault_of_every_file_is_told_with_its_line(call: Callable[..., Answer], specs: Path) -> None:
    """Exit 2; a duplicate key, a wrong word, an unknown key and a trap of YAML in three files."""
    scout, h100 = specs / "models" / "scout.yaml", specs / "accelerators" / "h100-sxm.yaml"
    layers = _change(scout, "  hidden_size: 5_120\n", "  hidden_size: many\n")
    colour = _change(h100, "vendor:", "colour: blue\nvendor:")
    with (specs / "models" / "maverick.yaml").open("a", encoding="utf-8") as stream:
        stream.write("name: again\n")
    answer = call("check", "--specs", str(specs), "--no-engine")

    assert (answer.code, answer.out) == (2, "")
    assert f"specs/models/scout.yaml:{layers} text.hidden_size" in answer.err
    assert f"specs/accelerators/h100-sxm.yaml:{colour} colour" in answer.err
    assert "specs/models/maverick.yaml" in answer.err
    assert "each key once" in answer.err
    assert "3 faults" in answer.err


def test_faults_are_json_too(call: Callable[..., Answer], specs: Path) -> None:
    """With their parts apart."""
    _change(specs / "models" / "scout.yaml", "  hidden_size: 5_120\n", "  hidden_size: many\n")
    answer = call("check", "--specs", str(specs), "--no-engine", "--json")

    assert answer.code == 2
    assert answer.json["faults"][0]["field"] == "text.hidden_size"
    assert answer.json["faults"][0]["expected"]


def test_a_folder_without_specs_is_one_message(call: Callable[..., Answer], tmp_path: Path) -> None:
    """Exit 2, and what to do."""
    empty, absent = call("check", "--specs", str(tmp_path)), call("check", "--specs", str(tmp_path / "none"))

    assert (empty.code, absent.code) == (2, 2)
    assert "name a folder of specs" in empty.err
    assert "does not exist" in absent.err


def test_a_claim_that_disagrees_without_a_note_fails(call: Callable[..., Answer], specs: Path) -> None:
    """Exit 1: the stated figure beside the computed one."""
    _change(specs / "models" / "maverick.yaml", "figure: 17_000_000_000", "figure: 18_000_000_000")
    answer = call("check", "--specs", str(specs), "--no-engine")

    assert answer.code == 1
    assert "computed 17,184,691,200; correct it or say why in a note" in " ".join(answer.out.split())


def test_stale_schemas_fail_until_they_are_written(call: Callable[..., Answer], specs: Path) -> None:
    """The message names the command that writes them."""
    (specs / "schema" / "models.schema.json").write_text("{}", encoding="utf-8")
    before = call("check", "--specs", str(specs), "--no-engine")
    written = call("check", "--specs", str(specs), "--no-engine", "--write-schemas")

    assert before.code == 1
    assert "check --write-schemas" in before.out
    assert written.code == 0


def test_counts_are_those_of_the_provenance_report(call: Callable[..., Answer], catalog: Catalog) -> None:
    """Every fact is counted, and the table has its rows."""
    answer = call("check", "--no-engine", "--report", "--json").json
    counts, text = answer["counts"], call("check", "--no-engine", "--report").out

    assert f"Counted for {answer['counted_for']}\n" in text
    assert counts["leaves"] == sum(map(len, catalog.provenance.values()))
    assert f"machine-checked {counts['machine_checked']:,} " in " ".join(text.split())


@pytest.mark.vllm
def test_facts_hold_against_the_installed_engine(catalog: Catalog) -> None:
    """No option, default, method or variable differs."""
    pytest.importorskip("vllm")
    from llama4ref.proving.installed.engine_facts import differing_facts

    assert differing_facts(catalog.engine("vllm")) == ()


@pytest.mark.vllm
def test_a_fact_that_the_installed_engine_contradicts_is_told(catalog: Catalog) -> None:
    """An invented option, and a default of one's own."""
    pytest.importorskip("vllm")
    from dataclasses import replace

    from llama4ref.proving.installed.engine_facts import differing_facts

    engine = catalog.engine("vllm")
    flags = engine.flags | {
        "invented": engine.flags["seed"],
        "seed": replace(engine.flags["seed"], default="42"),
    }
    found = differing_facts(replace(engine, flags=flags))

    assert len(found) == 2
    assert found[0].startswith("--invented: the facts have it")
    assert found[1].startswith("--seed: default 42 in the facts, 0 in vLLM")


@pytest.mark.vllm
@pytest.mark.slow
def test_what_the_engine_says_while_it_is_imported_is_not_among_our_lines() -> None:
    """Of the real vLLM, on its CPU build: neither stderr nor the JSON on stdout holds a line of it."""
    pytest.importorskip("vllm")
    done = subprocess.run(
        [sys.executable, "-m", "llama4ref.cli", "check", "--json"], capture_output=True, text=True, check=True
    )

    assert done.stderr == ""
    assert [each["state"] for each in json.loads(done.stdout)["checks"]] == ["ok"] * 7


@pytest.mark.parametrize("closed", [False, True], ids=["open", "stderr closed"])
def test_an_engine_that_cannot_be_imported_is_told_with_what_it_said(tmp_path: Path, *, closed: bool) -> None:
    """It is installed, as far as its files go, and ends its import with an error of its own; exit code 3."""
    package = tmp_path / "vllm"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import os, sys\nos.write(2, b'a library in C speaks\\n')\nprint('and Python')\nraise RuntimeError('no driver')\n",
        encoding="utf-8",
    )
    path = os.pathsep.join([str(tmp_path), str(Path(llama4ref.__file__).parent.parent)])
    command = [sys.executable, "-m", "llama4ref.cli", "check"]
    done = subprocess.run(
        ["sh", "-c", f"exec {shlex.join(command)} {'2>&-' * closed}"],
        capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": path},
    )  # fmt: skip

    assert done.returncode == 3
    assert done.stdout == ""
    assert closed or sorted(done.stderr.splitlines()) == [
        "a library in C speaks",
        "and Python",
        "llama4ref: vLLM is installed and cannot be used here: RuntimeError: no driver",
    ]


def test_the_site_needs_its_extra(call: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 3 and the command that installs it."""
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    answer = call("site")

    assert answer.code == 3
    assert "pip install 'llama4ref[site]'" in answer.err


@pytest.mark.parametrize("gone", ["formats", "providers", "starts", "estimates"])
def test_a_folder_that_is_missing_is_a_fault(call: Callable[..., Answer], specs: Path, gone: str) -> None:
    """Named in words or as JSON, also where nothing else leads to it."""
    shutil.rmtree(specs / gone)
    answer = call("check", "--specs", str(specs), "--no-engine")
    faults = call("check", "--specs", str(specs), "--no-engine", "--json").json["faults"]

    assert (answer.code, answer.out) == (2, "")
    assert f"specs/{gone}" in answer.err
    assert all(fault["file"].startswith("specs/") for fault in faults)


def test_sources_alone_are_no_catalogue(call: Callable[..., Answer], tmp_path: Path) -> None:
    """Each kind that is missing is a fault."""
    shutil.copy(specs_folder() / "sources.yaml", tmp_path)
    answer = call("check", "--specs", str(tmp_path), "--report", "--no-engine")

    assert answer.code == 2
    assert f"{len(KINDS)} faults" in answer.err


def test_empty_kinds_are_checked_and_counted(call: Callable[..., Answer], tmp_path: Path) -> None:
    """No share is divided by nothing, and no engine is asked for."""
    shutil.copy(specs_folder() / "sources.yaml", tmp_path)
    for kind in KINDS:
        (tmp_path / kind).mkdir()
    answer = call("check", "--specs", str(tmp_path), "--report", "--write-schemas")

    assert answer.code == 0, answer.err
    assert "0 specs with 0 facts" in answer.out


def test_schemas_that_cannot_be_written_are_a_fault(call: Callable[..., Answer], specs: Path) -> None:
    """A file where their folder should be."""
    shutil.rmtree(specs / "schema")
    (specs / "schema").write_text("in the way", encoding="utf-8")
    answer = call("check", "--specs", str(specs), "--write-schemas", "--no-engine")

    assert answer.code == 2
    assert "specs/schema:1: found file exists" in answer.err


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**30)


@pytest.mark.parametrize("make", [_pipe, _device, _huge])
def test_a_schema_that_is_no_file_is_out_of_date_and_written_anew(
    call: Callable[..., Answer], specs: Path, make: Callable[[Path], None]
) -> None:
    """It is neither waited for nor read on and on, and what takes its place is a file."""
    schema = specs / "schema/formats.schema.json"
    schema.unlink()
    make(schema)
    answer = call("check", "--specs", str(specs), "--no-engine")

    assert answer.code == 1
    assert "formats.schema.json is missing or out of date" in " ".join(answer.out.split())
    assert call("check", "--specs", str(specs), "--no-engine", "--write-schemas").code == 0
    assert (schema.is_symlink(), schema.read_bytes()) == (False, (specs_folder() / "schema" / schema.name).read_bytes())


def test_a_false_citation_fails(call: Callable[..., Answer], specs: Path) -> None:
    """A source that the file says agrees, and that the leaf quotes as disagreeing; the report counts it."""
    own = '  source: llama4-model-card\n  at: "Instruction tuned models table"\n'
    line = _change(
        specs / "benchmarks/mmlu-pro.yaml",
        f'metric:\n  value: "macro_avg/acc"\n{own}',
        'metric:\n  value: "macro_avg/acc"\n',
    )
    answer = call("check", "--specs", str(specs), "--report", "--no-engine")
    words = " ".join(answer.out.split())

    assert answer.code == 1
    assert f"specs/benchmarks/mmlu-pro.yaml:{line + 1} metric: found source huggingface-llama4-blog" in words
    assert "cited falsely 1 " in words
    assert "0 false citations" in call("check", "--no-engine").out
