"""The command over releases that pip fetches, on an index in a folder, and over releases that are there already."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from llama4ref.errors import WatchError
from llama4ref.watching import engine_facts
from llama4ref.watching.downloading import fetch, local_releases, published
from llama4ref.watching.other_engines import PACKAGES, llama4_classes, newest_line
from llama4ref.watching.python_files import PythonFiles

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NEWEST = "0.33.0"
"""Newest release that the specs cover."""
BEGINS = "p.add_argument('--entirely-new', default=1)\n"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index in a folder, and pip set to use nothing else."""
    place = tmp_path / "index"
    place.mkdir()
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", place.as_uri())
    return place


def _publish(index: Path, package: str, release: str, code: dict[str, str]) -> Path:
    """Put a wheel with some Python files on the index."""
    folder = index / package
    folder.mkdir(exist_ok=True)
    name = package.replace("-", "_")
    wheel = folder / f"{name}-{release}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as made:
        for path, text in code.items():
            made.writestr(f"{name}/{path}", text)
        made.writestr(
            f"{name}-{release}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: {release}\n"
        )
        made.writestr(
            f"{name}-{release}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        made.writestr(f"{name}-{release}.dist-info/RECORD", "")
    links = "".join(f'<a href="{each.name}">{each.name}</a>' for each in sorted(folder.glob("*.whl")))
    (folder / "index.html").write_text(links)
    return wheel


def test_pip_says_what_is_published_and_fetches_it(index: Path, tmp_path: Path):
    """Oldest first, without releases before their time."""
    for release in ("0.10.0", "0.9.2", "0.11.0rc1"):
        _publish(index, "vllm", release, {"envs.py": f"R = '{release}'\n"})

    assert published("vllm") == ("0.9.2", "0.10.0")
    assert PythonFiles.of(fetch("vllm", "0.9.2", tmp_path)).text("vllm/envs.py") == "R = '0.9.2'\n"


def test_what_pip_does_not_find_is_told(index: Path, tmp_path: Path):
    """No such package, no such release."""
    _publish(index, "vllm", "0.9.2", {})

    with pytest.raises(WatchError, match=r"^pip index: "):
        published("sglang")
    with pytest.raises(WatchError, match=r"^pip download: .*0\.9\.3"):
        fetch("vllm", "0.9.3", tmp_path)


def test_releases_that_the_specs_do_not_list_are_fetched_and_read(index: Path, minimum: dict[str, str]):
    """With the newest of the specs for comparison, and a patch of an older one; what begins is named, and the code is 1."""
    code = {name: text.replace("\n        ", "\n") for name, text in minimum.items()}
    for release in ("0.8.2", "0.32.0"):
        _publish(index, "vllm", release, {})
    for release in ("0.31.1", NEWEST):
        _publish(index, "vllm", release, code)
    _publish(index, "vllm", "0.34.0", code | {"entrypoints/openai/cli_args.py": BEGINS})

    done = CliRunner().invoke(engine_facts.main, ["--only-vllm"])

    assert done.exit_code == 1
    assert "vllm 0.31.1 to 0.34.0: 3 releases read" in done.output
    assert "new      0.31.1 is published and not in the specs" in done.output
    assert f"new      {NEWEST} is" not in done.output
    assert "new      flags.entirely-new begins with 0.34.0: True" in done.output


def test_releases_that_are_there_are_taken(tmp_path: Path, write: Callable[..., Path], minimum: dict[str, str]):
    """Folders named after releases; one that is asked for and is not there is told."""
    for release in ("0.10.0", "0.9.2"):
        write(tmp_path / release, minimum)
    write(tmp_path / "gpu-0.9.2", minimum)
    wheels = ["--wheels", str(tmp_path)]

    assert list(local_releases("vllm", tmp_path)) == ["0.9.2", "0.10.0"]
    both, one = (CliRunner().invoke(engine_facts.main, [*wheels, *more]) for more in ([], ["--release", "0.9.2"]))
    missing = CliRunner().invoke(engine_facts.main, [*wheels, "--release", "0.11"])

    assert "vllm 0.9.2 to 0.10.0: 2 releases read" in both.output
    assert "vllm 0.9.2: 1 release read" in one.output
    assert missing.exit_code == 3
    assert missing.stderr == f"error: {tmp_path}: holds no vllm 0.11.0; it holds 0.9.2, 0.10.0\n"


def test_an_empty_folder_is_told(tmp_path: Path):
    """And one that is none."""
    with pytest.raises(WatchError, match="holds no wheel of vllm"):
        local_releases("vllm", tmp_path)
    with pytest.raises(WatchError, match="is no folder"):
        local_releases("vllm", tmp_path / "none")


def test_another_engine_is_looked_up(index: Path):
    """Its newest release beside that of the specs, and its classes of Llama 4."""
    _publish(index, "vllm", NEWEST, {"engine/arg_utils.py": ""})
    _publish(index, "sglang", "99.0", {"srt/models/llama4.py": "class Llama4ForCausalLM: ...\nclass Llama4MoE: ...\n"})

    done = CliRunner().invoke(engine_facts.main, ["--package", "sglang"])

    assert done.exit_code == 1
    assert "new      sglang 99.0; the specs cover " in done.output
    assert "its classes of Llama 4: Llama4ForCausalLM\n" in done.output


def test_an_unknown_package_is_told(index: Path):
    """With the known ones."""
    _publish(index, "vllm", NEWEST, {"engine/arg_utils.py": ""})

    done = CliRunner().invoke(engine_facts.main, ["--package", "sglnag"])

    assert (done.exit_code, "known are sglang, transformers" in done.stderr) == (3, True)


def test_a_package_that_pip_does_not_find_stops_nothing(index: Path):
    """Unless it was asked for by name."""
    _publish(index, "vllm", NEWEST, {"engine/arg_utils.py": ""})
    _publish(index, "transformers", "4.0", {})

    all_, one = (CliRunner().invoke(engine_facts.main, more) for more in ([], ["--package", "sglang"]))

    assert "unknown  pip index: " in all_.output
    assert "newest   transformers 4.0; the specs cover " in all_.output
    assert (one.exit_code, one.stderr.startswith("error: pip index: ")) == (3, True)


def test_classes_of_an_engine_without_any(tmp_path: Path):
    """None are named where none is there."""
    (tmp_path / "sglang/srt/models").mkdir(parents=True)
    (tmp_path / "sglang/srt/models/llama.py").write_text("class Llama4ForCausalLM: ...\n")

    assert llama4_classes(PythonFiles.of(tmp_path), PACKAGES["sglang"]) == ()
    assert newest_line(PACKAGES["bitsandbytes"], "1.0", None) == (
        "bitsandbytes 1.0; the specs name no newest release",
        False,
    )
