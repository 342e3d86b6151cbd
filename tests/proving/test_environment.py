"""What is installed and what the machine has, seen without importing anything heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

from llama4ref.errors import MissingExtraError
from llama4ref.proving.environment import environment, need


def test_the_installed_vllm_is_named_as_it_names_itself() -> None:
    """Release without a local part, from whichever distribution brought it."""
    vllm = pytest.importorskip("vllm.version")
    found = environment()

    assert found.vllm == vllm.__version__.partition("+")[0]
    assert found.vllm_distribution in found.versions


def test_a_missing_package_names_the_extra() -> None:
    """One line with what to type."""
    with pytest.raises(MissingExtraError, match=r"pip install 'llama4ref\[prove-[cg]pu\]'") as error:
        need("json", "no_such_package")

    assert error.value.package == "no_such_package"
    assert error.value.exit_code == 3


def test_nothing_heavy_is_imported() -> None:
    """The whole proving package can be imported on a laptop without torch."""
    modules = "rungs.accepting, rungs.full_size, rungs.miniature_proof, records.measurement_records, installed.bitsandbytes_bytes"
    imports = "; ".join(f"import llama4ref.proving.{module}" for module in modules.split(", "))
    code = f"import sys; {imports}; sys.exit(bool({{'torch', 'openai', 'vllm'}} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
