"""How long does a plan take in this tree, as a ratio to another one?

    git worktree add ../other 28d1add
    python benchmarks/beside_another_tree.py ../other

Both trees are asked in turn, and CPU time is counted, so that other work on the machine falls on both. Against 28d1add, of
2026-11-21, on two busy cores: asked again 0.11, for another context 1.14, `plan --gpu h100-sxm --count 8 --context 1M` cold 0.97,
without a GPU 1.33, without a GPU for 1M tokens 1.49. Since then each plan is held against the engine's abilities and faults, and
settings that nobody asked for are tried before a refusal.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
ROUNDS = 12
COLD = {
    "eight H100 for 1M tokens, cold": "plan --model scout --gpu h100-sxm --count 8 --context 1M",
    "no GPU named, cold": "plan --model scout",
    "no GPU named for 1M tokens, cold": "plan --model scout --context 1M",
}
WARM = """
import json, sys, time
from llama4ref import PlanRequest, load, plan
def seconds(context):
    request = PlanRequest(model="scout", gpu="h100-sxm", count=8, context=context)
    start = time.process_time()
    plan(request)
    return time.process_time() - start
load()
seconds(65_536)
for line in sys.stdin:
    first = 65_536 + 20_480 * int(line)
    again = min(seconds(65_536) for _ in range(5))
    print(json.dumps([again, min(seconds(first + 4_096 * step) for step in range(1, 6))]), flush=True)
"""


def cold_seconds(tree: Path, words: str) -> float:
    """CPU time of one run of the command line of a tree."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "llama4ref.cli", *words.split()]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=tree, env=_environment(tree))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def warm_ratios(trees: tuple[Path, Path]) -> tuple[float, float]:
    """This tree beside the other one: asked the same again, and for another context."""
    servers = [
        subprocess.Popen(
            [sys.executable, "-c", WARM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=tree,
            env=_environment(tree),
        )
        for tree in trees
    ]
    rounds = [[_asked(server, index) for server in servers] for index in range(ROUNDS)]
    for server in servers:
        server.communicate()
    again, other = ([mine[place] / theirs[place] for mine, theirs in rounds] for place in (0, 1))
    return statistics.median(again), statistics.median(other)


def _asked(server: subprocess.Popen[str], index: int) -> list[float]:
    if server.stdin is None or server.stdout is None:
        return []
    server.stdin.write(f"{index}\n")
    server.stdin.flush()
    found: list[float] = json.loads(server.stdout.readline())
    return found


def _environment(tree: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(tree)}


def main() -> None:
    """Print the ratios."""
    other = Path(sys.argv[1]).resolve()
    again, context = warm_ratios((HERE, other))
    print(f"asked again                        {again:5.2f}")
    print(f"another context                    {context:5.2f}")
    for name, words in COLD.items():
        ratios = [cold_seconds(HERE, words) / cold_seconds(other, words) for _ in range(ROUNDS // 2)]
        print(f"{name:34} {statistics.median(ratios):5.2f}")


if __name__ == "__main__":
    main()
