"""The built site, served on loopback, and a real browser."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from llama4ref.cli.program import program
from llama4ref.website import SiteReport, build_site

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SAMPLES = (
    "", "questions/", "models/", "models/scout/", "models/behemoth/", "families/llama-4/", "checkpoints/",
    "checkpoints/redhatai-llama-4-scout-17b-16e-instruct-quantized-w4a16/", "formats/nvfp4/", "providers/", "providers/groq/",
    "providers/pictures/", "providers/ended/", "accelerators/", "accelerators/h100-sxm/", "engines/vllm/", "engines/vllm/flags/", "benchmarks/",
    "benchmarks/long-context/", "measurements/", "licenses/llama-4-community/", "safeguards/llama-guard-4/", "sources/",
    "sources/llama4-model-card/", "timeline/", "glossary/", "plan/", "memory/", "license-check/", "prove/", "ladder/", "claims/",
    "disagreements/", "unknowns/", "errata/", "contribute/", "words/", "reference/", "reference/commands/", "reference/data/",
)  # fmt: skip
"""A page of every kind."""


SWITCHES = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> SiteReport:
    """The site, built strict."""
    pytest.importorskip("material", reason="mkdocs-material is not installed")
    return build_site(tmp_path_factory.mktemp("site") / "out", program=program)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def served(built: SiteReport) -> Iterator[str]:
    """The address of the site, with a slash at its end."""
    handler = functools.partial(_Quiet, directory=str(built.output))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Headless Chromium of this machine, with a profile of its own."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    binary = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if binary is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=binary, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, served: str) -> Iterator[Page]:
    """A fresh page that fails the test on any error in the console or any request to another host."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light", base_url=served)
    opened = context.new_page()
    wrong: list[str] = []
    opened.on(
        "console", lambda said: wrong.append(f"{said.type}: {said.text}") if said.type in {"error", "warning"} else None
    )
    opened.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    opened.on(
        "request",
        lambda asked: wrong.append(asked.url) if not asked.url.startswith((served, "data:", "blob:")) else None,
    )
    opened.on(
        "response", lambda answer: wrong.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
    )
    yield opened
    context.close()

    assert wrong == []


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `sample` runs on a page of every kind."""
    if "sample" in metafunc.fixturenames:
        metafunc.parametrize("sample", SAMPLES)
