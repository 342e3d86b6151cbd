"""From a folder to the catalogue, and a cache that cannot go stale."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llama4ref.errors import SpecErrors
from llama4ref.facts import caching, load
from llama4ref.facts.loading import spec_files, specs_folder

if TYPE_CHECKING:
    from llama4ref.facts import Catalog


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of one's own."""
    monkeypatch.setattr(caching, "_FOLDER", tmp_path / "cache")
    return tmp_path / "cache"


def _bits(catalog: Catalog) -> int:
    return catalog.format("bf16").element.bits


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_folder_is_read_again_when_it_changes(folder: Path):
    """Even where neither size nor time of a file tells."""
    file = folder / "formats/bf16.yaml"
    before, times = _bits(load(folder)), file.stat()
    _edit(file, "bits: 16", "bits: 15")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))

    assert (before, _bits(load(folder))) == (16, 15)


def test_an_unchanged_folder_is_read_once(folder: Path):
    """The same catalogue comes back."""
    assert load(folder) is load(str(folder))


def test_an_added_and_a_removed_file_count(folder: Path):
    """The cache looks at the folder, not at a list."""
    assert set(load(folder).formats) == {"bf16", "nf4"}
    (folder / "formats/nf4.yaml").unlink()

    assert set(load(folder).formats) == {"bf16"}


def test_no_folder_is_a_fault(tmp_path: Path):
    """As an answer for people, never a missing-file error."""
    with pytest.raises(SpecErrors, match="no readable file"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("name", "do"),
    [
        ("formats/int3.yml", "end its name in .yaml"),
        ("fromats/int3.yaml", "move it to formats/"),
        ("x/y.txt", "move or remove it"),
    ],
)
def test_a_file_that_nothing_reads_is_a_fault(folder: Path, name: str, do: str):
    """A misspelt folder or ending does not silently drop a spec."""
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("name: x", encoding="utf-8")
    with pytest.raises(SpecErrors) as caught:
        load(folder)

    assert [(fault.file, fault.do) for fault in caught.value.faults] == [(f"specs/{name}", do)]


def test_the_packaged_specs_are_found():
    """In the package, or beside it."""
    assert (specs_folder() / "models/scout.yaml").is_file()
    assert "models/scout.yaml" in spec_files(specs_folder())


def test_what_was_kept_comes_back_for_the_same_bytes_only(folder: Path, cache: Path):
    """Another byte in any file is another key."""
    files = spec_files(folder)
    key = caching.digest(files)
    caching.keep(key, load(folder))
    kept = caching.recall(key)

    assert cache.is_dir()
    assert kept is not None
    assert _bits(kept) == 16
    assert kept.cite("formats/bf16", "element.bits") == load(folder).cite("formats/bf16", "element.bits")
    for name in files:
        changed = caching.digest(files | {name: files[name] + b" "})
        assert changed != key
        assert caching.recall(changed) is None
    assert caching.digest({**files, "formats/x.yaml": b""}) != key
    assert caching.digest(dict(list(files.items())[:-1])) != key


def test_moving_bytes_between_files_changes_the_key():
    """Names and lengths are part of it."""
    assert caching.digest({"a": b"xy", "b": b""}) != caching.digest({"a": b"x", "b": b"y"})


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "replaced"])
def test_a_damaged_cache_is_not_read(folder: Path, cache: Path, damage: str):
    """Whatever happened to it."""
    key = caching.digest(spec_files(folder))
    caching.keep(key, load(folder))
    (file,) = cache.iterdir()
    content = bytearray(file.read_bytes())
    match damage:
        case "cut":
            content = content[: len(content) // 2]
        case "flipped":
            content[len(content) // 2] ^= 0xFF
        case "emptied":
            content = bytearray()
        case _:
            content[len(key) :] = b"cos\nsystem\n(S'false'\ntR."
    file.write_bytes(content)

    assert caching.recall(key) is None


def test_a_folder_that_cannot_be_written_is_no_fault(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch):
    """Then nothing is kept, and everything works."""
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setattr(caching, "_FOLDER", tmp_path / "file" / "cache")
    key = caching.digest(spec_files(folder))
    caching.keep(key, load(folder))

    assert caching.recall(key) is None


def test_nothing_is_left_where_the_cache_cannot_be_replaced(folder: Path, cache: Path):
    """Such as a folder of its name; a copy that could not be put in place is removed."""
    name = f"catalog.{sys.implementation.cache_tag}.pickle"
    (cache / name).mkdir(parents=True)
    key = caching.digest(spec_files(folder))
    caching.keep(key, load(folder))

    assert caching.recall(key) is None
    assert [each.name for each in cache.iterdir()] == [name]


def test_all_code_that_a_catalogue_is_made_by_is_in_its_key():
    """Whatever modules of the package are there once specs were read and pickled."""
    code = (
        "import sys, pickle, llama4ref.facts.caching as caching;"
        "from llama4ref.facts.loading import spec_files, specs_folder; from llama4ref.facts.building import build;"
        "pickle.dumps(build(spec_files(specs_folder())));"
        "used = {m.__file__ for n, m in sys.modules.items() if n.split('.')[0] == 'llama4ref'};"
        "package = str(caching.__file__).rpartition('/facts/')[0];"
        "print(sorted(used - {f'{package}/{name}' for name in caching._CODE}), len(used) > 30)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[] True"


@pytest.mark.parametrize("name", ["errors.py", "units.py", "facts/types/models.py", "facts/reading/citing.py"])
def test_another_byte_of_code_is_another_key(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch):
    """A catalogue made by other code is another one."""
    files = spec_files(folder)
    key = caching.digest(files)
    monkeypatch.setitem(caching._CODE, name, caching._CODE[name] + b" ")

    assert caching.digest(files) != key


def test_the_package_loads_where_it_cannot_write(tmp_path: Path):
    """As in an installation owned by somebody else."""
    package = Path(caching.__file__).parents[1]
    target = tmp_path / "site"
    shutil.copytree(package, target / "llama4ref", ignore=shutil.ignore_patterns("__pycache__", "proving", "website"))
    shutil.copytree(specs_folder(), target / "llama4ref" / "specs")
    (target / "llama4ref" / "facts" / "__pycache__").write_text("a file where the folder would be", encoding="utf-8")
    code = "import llama4ref; print(llama4ref.load().model('scout').experts.count)"
    done = subprocess.run([sys.executable, "-B", "-c", code], cwd=target, capture_output=True, text=True, check=False)

    assert done.stdout.strip() == "16", done.stderr


def test_a_second_process_reads_what_the_first_kept(tmp_path: Path):
    """And one that finds another spec does not."""
    package = Path(caching.__file__).parents[1]
    target = tmp_path / "site"
    shutil.copytree(package, target / "llama4ref", ignore=shutil.ignore_patterns("__pycache__", "proving", "website"))
    shutil.copytree(specs_folder(), target / "llama4ref" / "specs")
    code = (
        "import sys, llama4ref; count = llama4ref.load().model('scout').experts.count;"
        "print(count, 'pydantic' in sys.modules, 'yaml' in sys.modules)"
    )

    def answer() -> str:
        done = subprocess.run([sys.executable, "-c", code], cwd=target, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    first, second = answer(), answer()
    _edit(target / "llama4ref/specs/models/scout.yaml", "license:", "license:  # later")
    third = answer()

    assert (first, second, third) == ("16 True True", "16 False False", "16 True True")
