"""How long does a plan take, beside the interpreter's own start and beside reading the specs anew?

Run it as `python benchmarks/plan_speed.py`. It prints medians and ratios of one run, since machines differ and drift.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from llama4ref import PlanRequest, load, plan
from llama4ref.facts.building import build
from llama4ref.facts.loading import spec_files, specs_folder

RUNS = 7
COMMAND = ["plan", "--model", "scout", "--gpu", "h100-sxm", "--count", "8", "--context", "1M"]
CONTEXTS = tuple(tokens * 1024 for tokens in (64, 128, 256, 512, 768, 1024, 1536))


def seconds_of(*arguments: str) -> float:
    """Median wall time of a Python process."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def warm_seconds(*, same: bool) -> float:
    """Median time of a library call once the catalogue is loaded, asked the same again or something new each time."""
    plan(PlanRequest(model="scout", gpu="h100-sxm", count=8, context=CONTEXTS[0]))
    times = []
    for context in CONTEXTS:
        request = PlanRequest(model="scout", gpu="h100-sxm", count=8, context=CONTEXTS[0] if same else context)
        started = time.perf_counter()
        plan(request)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> None:
    """Print the figures."""
    load()
    bare = seconds_of("-c", "pass")
    cold = seconds_of("-m", "llama4ref.cli", *COMMAND)
    files = spec_files(specs_folder())
    started = time.perf_counter()
    build(files)
    anew = time.perf_counter() - started
    print(f"interpreter alone          {bare * 1e3:8.1f} ms")
    print(f"llama4ref plan, cold       {cold * 1e3:8.1f} ms  {cold / bare:6.1f} x the interpreter")
    print(f"reading all specs anew     {anew * 1e3:8.1f} ms  {anew / bare:6.1f} x the interpreter")
    print(f"plan(), warm, asked again  {warm_seconds(same=True) * 1e3:8.2f} ms")
    print(f"plan(), warm, new context  {warm_seconds(same=False) * 1e3:8.2f} ms")


if __name__ == "__main__":
    main()
