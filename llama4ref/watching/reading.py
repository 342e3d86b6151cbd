"""Everything that is read of one vLLM release."""

from __future__ import annotations

from llama4ref.errors import WatchError
from llama4ref.watching.python_files import PythonFiles
from llama4ref.watching.vllm_batch_limits import batch_limits
from llama4ref.watching.vllm_behaviours import behaviours
from llama4ref.watching.vllm_classes import abilities, heads
from llama4ref.watching.vllm_options import Readings, methods, option_values, options, variables

_READERS = (options, option_values, variables, methods, abilities, behaviours, heads, batch_limits)


def read_vllm(files: PythonFiles) -> Readings:
    """Values by the path of their field in the specs.

    Raises:
        WatchError: where there is no vLLM among the files.
    """
    if "vllm/engine/arg_utils.py" not in files.names:
        raise WatchError(
            "no vllm/engine/arg_utils.py among the files; name the wheel of vLLM or the folder it was unpacked in"
        )
    found: Readings = {}
    for reader in _READERS:
        found |= reader(files)
    return found


__all__ = ["read_vllm"]
