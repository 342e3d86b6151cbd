"""Folders of specs with parts that are missing, misplaced, endless, huge or strange: a fault with its place, and nothing else."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import Fault, SpecErrors
from llama4ref.facts import caching, load
from llama4ref.facts.audit.cross_checks import disagreeing_facts
from llama4ref.facts.audit.provenance_report import provenance_report
from llama4ref.facts.building import build
from llama4ref.facts.loading import missing_folders, spec_files, specs_folder
from llama4ref.facts.reading.spec_folder import MOST_BYTES, SOURCES, read_file
from llama4ref.facts.types.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

BOMB = "a0: &a0 {k: 1}\n" + "".join(
    f"a{level}: &a{level} {{{', '.join(f'k{each}: *a{level - 1}' for each in range(9))}}}\n" for level in range(1, 10)
)
FILES = spec_files(specs_folder())


def _faults(folder: Path) -> list[Fault]:
    with pytest.raises(SpecErrors) as caught:
        load(folder)
    return list(caught.value.faults)


def _changed(name: str, *changes: tuple[str, str]) -> list[Fault]:
    """The faults of one of the real specs with changes, all by itself."""
    text = FILES[name].decode()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    with pytest.raises(SpecErrors) as caught:
        build({SOURCES: FILES[SOURCES], name: text.encode()})
    return [fault for fault in caught.value.faults if fault.file == f"specs/{name}"]


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _folder(path: Path) -> None:
    path.mkdir()


def _dangling(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere")


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _huge(path: Path) -> None:
    path.write_bytes(b"# " * (MOST_BYTES // 2) + b"\n")


@pytest.mark.parametrize("name", ["sources.yaml", "formats/int3.yaml"])
@pytest.mark.parametrize(
    ("make", "found"),
    [
        (_pipe, "a named pipe"),
        (_device, "a device"),
        (_folder, "a folder"),
        (_dangling, "no file, or a link that leads nowhere"),
        (_loop, "too many levels of symbolic links"),
        (_huge, "more than 1,048,576 bytes"),
    ],
    ids=["pipe", "device", "folder", "dangling link", "loop of links", "huge"],
)
def test_only_regular_files_of_a_fair_size_are_read(
    folder: Path, name: str, make: Callable[[Path], None], found: str
) -> None:
    """Whatever else has a spec's name is its own fault, and is neither waited for nor read on and on."""
    (folder / name).unlink(missing_ok=True)
    make(folder / name)

    assert [(fault.file, fault.found) for fault in _faults(folder)] == [(f"specs/{name}", found)]


def test_no_more_is_read_of_a_file_than_shows_that_it_is_too_long(tmp_path: Path) -> None:
    """However long it is: a byte more than a spec may have."""
    with (tmp_path / "long").open("wb") as file:
        file.truncate(3 * MOST_BYTES)

    assert len(read_file(tmp_path / "long")) == MOST_BYTES + 1


def test_no_more_is_read_of_a_folder_than_specs_could_be(folder: Path) -> None:
    """Thousands of files of a fair size are told as one fault, before they are read."""
    for index in range(20):
        (folder / f"formats/x{index:02}.yaml").write_bytes(b"# " * (MOST_BYTES // 2))
    (fault,) = _faults(folder)

    assert (fault.file, fault.found) == ("specs/formats", "more than 16,777,216 bytes of specs in all")


def test_faults_of_files_and_in_files_are_one_report(folder: Path) -> None:
    """A file that cannot be read does not hide what is wrong in the others."""
    _pipe(folder / "formats/int3.yaml")
    text = (folder / "formats/bf16.yaml").read_text(encoding="utf-8")
    (folder / "formats/bf16.yaml").write_text(text.replace("bits: 16", "bits: many"), encoding="utf-8")

    assert [fault.file for fault in _faults(folder)] == ["specs/formats/bf16.yaml", "specs/formats/int3.yaml"]


@pytest.mark.parametrize("name", [".idea/workspace.xml", ".DS_Store", "formats/.bf16.yaml.swp", "formats/.old/x.yaml"])
def test_what_editors_hide_is_passed_over(folder: Path, name: str) -> None:
    """Files and folders that begin with a dot."""
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("<x/>", encoding="utf-8")

    assert set(load(folder).formats) == {"bf16", "nf4"}


@pytest.mark.parametrize(
    ("name", "found", "told"),
    [
        ("formats/BF17.yaml", "a name that is no id", "lowercase"),
        ("formats/a b.yaml", "a name that is no id", "lowercase"),
        ("formats/a\nb.yaml", "a name that is no id", "lowercase"),
        ("formats/a\x1b[31m.yaml", "a name that is no id", "lowercase"),
        ("formats/a 'b\" $(id).yaml", "a name that is no id", "lowercase"),
        ("formats/..yaml", "a name that is no id", "lowercase"),
        ("formats/-a.yaml", "a name that is no id", "lowercase"),
        (f"formats/{'a' * 200}.yaml", "a name that is no id", "lowercase"),
        ("formats/int3.yml", "a file that nothing reads", "a folder of specs"),
        ("formats/int3", "a file that nothing reads", "a folder of specs"),
        ("format/int3.yaml", "a file that nothing reads", "a folder of specs"),
        ("int3.yaml", "a file that nothing reads", "a folder of specs"),
        ("sources.yml", "a file that nothing reads", "a folder of specs"),
    ],
    ids=lambda value: ascii(value)[:24],
)
def test_a_misnamed_file_is_a_fault(folder: Path, name: str, found: str, told: str) -> None:
    """Its name is printed in plain characters."""
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("name: x", encoding="utf-8")
    (fault,) = _faults(folder)

    assert (fault.found, told in fault.expected) == (found, True)
    assert str(fault).isprintable()


def test_a_name_that_is_not_utf_8_is_a_fault(folder: Path) -> None:
    """It can be printed all the same."""
    Path(os.fsdecode(os.fsencode(folder / "formats") + b"/a\xff.yaml")).write_text("name: x", encoding="utf-8")
    (fault,) = _faults(folder)

    assert fault.found == "a name that is no id"
    assert str(fault).encode("utf-8")


def test_a_kind_that_is_a_file_is_a_fault(folder: Path) -> None:
    """A folder is expected there."""
    (folder / "models").write_text("x", encoding="utf-8")

    assert [(fault.file, fault.found) for fault in _faults(folder)] == [("specs/models", "not a directory")]


@pytest.mark.parametrize("make", [_pipe, _loop, lambda path: path.write_text("x", encoding="utf-8")])
def test_a_kind_that_is_no_folder_is_told_once(folder: Path, make: Callable[[Path], None]) -> None:
    """It is not missing as well."""
    make(folder / "models")

    assert [fault.file for fault in _faults(folder)] == ["specs/models"]
    assert "specs/models" not in {fault.file for fault in missing_folders(folder)}


def test_faults_of_one_line_are_told_in_the_order_they_were_found(folder: Path) -> None:
    """The key that cannot be read comes before the fields that are missing with it."""
    (folder / "formats/x.yaml").write_text("? [a, b]\n: 1\n", encoding="utf-8")
    first, *others = _faults(folder)

    assert first.found == "a key that is no plain word"
    assert others


def test_folders_that_are_missing_are_named(folder: Path) -> None:
    """A part of the kinds loads; which ones are missing is another question."""
    assert load(folder).models == {}
    assert {fault.file for fault in missing_folders(folder)} == {f"specs/{kind}" for kind in KINDS if kind != "formats"}
    assert missing_folders() == ()


def test_a_folder_that_is_gone_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it is the one that the program was started in, or no path at all."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    for path in (".", "\0"):
        with pytest.raises(SpecErrors):
            load(path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_that_is_left_out_is_no_accident(kind: str) -> None:
    """The rest loads, or says which names now lead nowhere."""
    faults = _left_out(kind)
    left = [name.removesuffix(".yaml").partition("/")[2] for name in FILES if name.startswith(f"{kind}/")]

    # Of a file with very many faults the last ones are counted.
    assert all(any(id_ in each.found for id_ in left) for each in faults if "faults more" not in each.found)


def _left_out(kind: str) -> tuple[Fault, ...]:
    try:
        catalog = build({name: content for name, content in FILES.items() if not name.startswith(f"{kind}/")})
    except SpecErrors as error:
        return error.faults
    assert disagreeing_facts(catalog) == ()
    assert all(each.proven for each in catalog.checked_errata())
    assert provenance_report(catalog, dt.date(2026, 11, 21)).leaves
    return ()


def test_specs_that_others_name_are_missed() -> None:
    """Each name that leads to one that is gone is a fault with its line."""
    gone = {
        "formats/bf16", "formats/nf4", "formats/nvfp4", "formats/fp8-per-tensor-static", "models/scout", "engines/vllm",
        "engines/sglang", "accelerators/h100-sxm", "licenses/llama-4-community", "checkpoints/meta-llama-4-scout-17b-16e-instruct",
        "measurements/vllm-0.8.3-scout-h100-sxm-8-1000-1000", "starts/vllm-0.19.0-scout-h100-sxm-4",
    }  # fmt: skip
    with pytest.raises(SpecErrors) as caught:
        build({name: content for name, content in FILES.items() if name.removesuffix(".yaml") not in gone})
    missed = {fault.found for fault in caught.value.faults}

    assert {name.partition("/")[2] for name in gone} <= missed
    assert all(fault.line > 1 for fault in caught.value.faults)


def test_an_alias_bomb_is_refused_before_it_grows() -> None:
    """Nine levels of nine aliases stand for hundreds of millions of values; only the marks are told."""
    with pytest.raises(SpecErrors) as caught:
        build({"sources.yaml": FILES["sources.yaml"], "formats/bomb.yaml": BOMB.encode()})

    assert {fault.found for fault in caught.value.faults} == {"an anchor"}
    assert len(caught.value.faults) == BOMB.count("&")


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "{a: " * 300 + "1" + "}" * 300,
        "a: " + "{a: " * 30 + "1" + "}" * 30,
        "a: " + "[" * 5000,
        "a: [" + "1, " * 200_000 + "1]",
        "".join(f"k{each}: off\n" for each in range(20_000)),
        "a: " + "x" * 900_000,
        "a: {" + ", ".join(f"k{each}: &x{each} 1" for each in range(10_000)) + "}",
    ],
    ids=["deep", "less deep", "open brackets", "many values", "many faults", "long text", "many anchors"],
)
def test_a_report_stays_short(text: str) -> None:
    """However much is wrong, and however long it is."""
    with pytest.raises(SpecErrors) as caught:
        build({"sources.yaml": FILES["sources.yaml"], "formats/x.yaml": text.encode()})

    assert len(caught.value.faults) <= 101
    assert all(len(str(fault)) < 1_000 for fault in caught.value.faults)


def test_faults_beyond_the_first_hundred_are_counted() -> None:
    """The last line says how many are left."""
    text = "".join(f"k{each}: off\n" for each in range(1_000))
    with pytest.raises(SpecErrors) as caught:
        build({"sources.yaml": FILES["sources.yaml"], "formats/x.yaml": text.encode()})

    assert re.fullmatch(r"[\d,]+ faults more", caught.value.faults[-1].found)


@pytest.mark.parametrize(
    ("name", "change", "field", "expected"),
    [
        ("models/scout.yaml", ("value: 48", "value: 1_000_000_000"), "text.layers", "less than or equal to"),
        ("models/scout.yaml", ("value: 48", "value: 0"), "text.layers", "greater than 0"),
        ("models/scout.yaml", ('value: "2025-04-05"', 'value: "yesterday"'), "released", "a day such as"),
        ("models/scout.yaml", ('value: "2025-04-05"', 'value: "2025-13-45"'), "released", "a day such as"),
        ("models/scout.yaml", ('value: "2025-04-05"', 'value: "20250405"'), "released", "a day such as"),
        ("models/scout.yaml", ('value: "2025-04-05"', 'value: "2025-04-0\uff15"'), "released", "a day such as"),
        ("models/scout.yaml", ('value: "Llama 4 Scout"', 'value: "Llama 4\\nScout"'), "name", "text on one line"),
        ("models/scout.yaml", ('value: "Llama 4 Scout"', 'value: "Scout\\a"'), "name", "text on one line"),
        ("models/scout.yaml", ('value: "Llama 4 Scout"', 'value: "\\e[31mScout"'), "name", "text on one line"),
        ("models/scout.yaml", ('value: "Llama 4 Scout"', 'value: "Scout "'), "name", "text on one line"),
        ("models/scout.yaml", ('value: "Llama 4 Scout"', 'value: ""'), "name", "text on one line"),
        ("models/scout.yaml", ('value: "Llama 4 Scout"', 'value: "Scout\\u202e"'), "name", "text on one line"),
        ("accelerators/h100-sxm.yaml", ('value: "9.0"', 'value: "many"'), "compute_capability", "9.0"),
        ("accelerators/h100-sxm.yaml", ("per_node: 8", "per_node: 0"), "per_node", "greater than 0"),
        ("accelerators/h100-sxm.yaml", ("per_node: 8", "per_node: -8"), "per_node", "greater than 0"),
        ("providers/groq.yaml", ('as_of: "2026-06-10"', 'as_of: "2026-02-31"'), "offers.0.as_of", "a day"),
        ("providers/groq.yaml", ("value: 0.11", "value: -0.11"), "offers.0.price_input", "greater than or equal"),
        ("checkpoints/meta-llama-4-scout-17b-16e.yaml", ("repository: ", 'repository: "" #'), "repository", "text on one line"),
        ("providers/nvidia-api-catalog.yaml", ('value: "2026-05-03"', 'value: "2026-13-40"'), "offers.0.retired", "a day"),
        ("estimates/sglang.yaml", ("low: 146", "low: -146"), "speed.layer_latency.rows.0.low", "greater than or equal"),
        ("starts/vllm-0.9-scout-h200-sxm-8-10m.yaml", ('before: "0.9.2"', 'before: "soon"'), "before", "a release"),
        ("families/llama-4.yaml", ('value: "0.8.3"', 'value: "0.8.3 or so"'), "vllm_since", "a release"),
        ("sources.yaml", ('retrieved: "2026-11-21"', 'retrieved: "9999-99-99"'), None, "a day such as"),
        ("sources.yaml", ("llama4-model-card:\n", "llama4-model-card:\n  id: card\n"), "llama4-model-card.id", "the key is the id"),
        ("sources.yaml", ("llama4-model-card:", "Llama4 Model Card:"), "Llama4 Model Card", "lowercase"),
    ],
    ids=lambda value: ascii(value)[:30],
)  # fmt: skip
def test_a_value_that_cannot_be_is_a_fault_of_its_line(
    name: str, change: tuple[str, str], field: str | None, expected: str
) -> None:
    """Numbers, days, releases and text, each as what it is."""
    place = FILES[name].decode().partition(change[0])[0].count("\n") + 1
    line = place + change[1].count("\n", 0, -1)
    found = [fault for fault in _changed(name, change) if fault.line == line]

    assert found
    assert expected in found[0].expected
    assert field is None or found[0].field == field
    assert all(str(fault).isprintable() for fault in found)


def test_a_day_of_a_citation_is_a_day() -> None:
    """Also where it dates one leaf alone."""
    text = FILES["formats/bf16.yaml"].decode() + 'x: {value: 1, as_of: "2026-02-31"}\n'
    with pytest.raises(SpecErrors) as caught:
        build({"sources.yaml": FILES["sources.yaml"], "formats/bf16.yaml": text.encode()})

    assert "x.as_of" in {fault.field for fault in caught.value.faults}


def test_a_linked_package_finds_its_specs(tmp_path: Path) -> None:
    """Where the specs lie beside the folder that the link leads to."""
    package = Path(caching.__file__).parents[1]
    shutil.copytree(package, tmp_path / "real/llama4ref", ignore=shutil.ignore_patterns("__pycache__", "website"))
    shutil.copytree(specs_folder(), tmp_path / "real/specs")
    (tmp_path / "site").mkdir()
    (tmp_path / "site/llama4ref").symlink_to(tmp_path / "real/llama4ref")
    code = "import llama4ref; print(llama4ref.load().model('scout').experts.count)"
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=tmp_path / "site", capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
    )  # fmt: skip

    assert done.stdout.strip() == "16", done.stderr
