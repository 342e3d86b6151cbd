"""What is asked of a server, what is left out, and what happens when the server dies in between."""

from __future__ import annotations

import os
import signal
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llama4ref.proving.probes import questions
from llama4ref.proving.probes.probing import inapplicable, probe, target_of
from llama4ref.proving.probes.questions import png, prompt_of
from llama4ref.proving.server.launching import Launch, Server, for_serving, launch
from llama4ref.proving.server.supervising import descendants
from llama4ref.proving.verdict import Outcome
from llama4ref.rendering.server_command import server_command
from tests.proving.conftest import configured

if TYPE_CHECKING:
    from llama4ref.facts import Catalog
    from llama4ref.proving.model_files.miniature import Miniature


def somewhere(tmp_path: Path) -> Server:
    return Server(port=9, model="m", log=tmp_path / "log", pid=1, startup_seconds=0.0, stages=())


def test_what_does_not_apply_is_skipped_with_its_reason(tmp_path: Path) -> None:
    """No vision tower, no parser, no boundary within the context."""
    pytest.importorskip("openai")
    bare = target_of(somewhere(tmp_path), max_model_len=8192, chunk_size=8192, vision=None, tools=False)

    assert "vision tower" in inapplicable(questions.image, bare)
    assert "parser" in inapplicable(questions.tools, bare)
    assert "8,192" in inapplicable(questions.chunk_boundary, bare)
    assert inapplicable(questions.health, bare) == ""


def test_a_server_that_is_not_there_fails_one_probe_and_skips_the_rest(tmp_path: Path) -> None:
    """Nothing hangs and nothing raises."""
    pytest.importorskip("openai")
    results = probe(target_of(somewhere(tmp_path), max_model_len=8192, chunk_size=8192))

    assert results[0].outcome == Outcome.FAILED
    assert "stopped answering" in results[0].detail
    assert {result.outcome for result in results[1:]} == {Outcome.SKIPPED}


def test_the_picture_is_a_png_of_its_size() -> None:
    """Header and pixel data agree."""
    picture = png(5, 3)
    width, height = struct.unpack(">II", picture[16:24])
    data = picture[picture.index(b"IDAT") + 4 : picture.index(b"IEND") - 8]

    assert (width, height) == (5, 3)
    assert len(zlib.decompress(data)) == 3 * (1 + 5 * 3)


def test_prompts_of_different_seeds_share_no_first_token_block() -> None:
    """Otherwise the prefix cache would answer for the engine."""
    assert len({tuple(prompt_of(16, seed=seed)) for seed in range(64)}) == 64


@pytest.mark.vllm
@pytest.mark.serve
@pytest.mark.slow
def test_an_engine_killed_between_probes_is_reported_and_nothing_is_left(
    catalog: Catalog, built: tuple[Miniature, Path], tmp_path: Path
) -> None:
    """The real server, whose engine is killed once it is ready."""
    pytest.importorskip("vllm")
    config = configured(
        {
            "max-model-len": 16_384,
            "enforce-eager": True,
            "kv-cache-memory-bytes": 2**28,
            "max-num-batched-tokens": 2048,
        }
    )
    wanted = Launch(
        command=server_command(for_serving(config, checkpoint=built[1], port=0), catalog.engine("vllm")),
        log=tmp_path / "server.log",
        repaired=True,
    )
    with launch(wanted) as server:
        started = descendants(server.pid)
        below_the_api_server = [pid for child in started[:1] for pid in descendants(child)]
        for pid in below_the_api_server:
            os.kill(pid, signal.SIGKILL)
        results = probe(target_of(server, max_model_len=16_384, chunk_size=8192, timeout_seconds=20))
        started = sorted({*started, *descendants(server.pid)})

    failed = [result for result in results if result.outcome == Outcome.FAILED]
    assert failed
    assert "stopped answering" in failed[-1].detail or "died" in failed[-1].detail
    assert results[-1].outcome == Outcome.SKIPPED
    assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []
