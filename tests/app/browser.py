"""The dashboard in a real browser: a server on a free port, headless Chromium, pictures of the whole page."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
LAST = "Cite and check"
# axe-core 4.14.1, unchanged, MPL-2.0: its notice is in the file, its licence beside it.
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
WAIT_MS = 60_000
_ARGUMENTS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@dataclass
class Server:
    """A running dashboard: its address and what it wrote."""

    url: str
    log: list[str] = field(default_factory=list)


@contextmanager
def serving(db: Path, folder: Path) -> Iterator[Server]:
    """Run Streamlit on a free loopback port, in `folder`, on the snapshots of `db`; ends with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(f"http://127.0.0.1:{port}")
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(ROOT / "app" / "main.py"), "--server.port", str(port)],
        cwd=folder,
        env={**os.environ, "OFFSCRIPT_DB": str(db), "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    ready = threading.Event()

    def read() -> None:
        for line in process.stdout or ():
            server.log.append(line)
            if "URL:" in line:
                ready.set()
        ready.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        assert ready.wait(WAIT_MS / 1000), "Streamlit did not start"
        assert process.poll() is None, "".join(server.log)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=20)
        reader.join(timeout=20)


@dataclass
class Seen:
    """What a page did beside showing itself."""

    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def say(self, said: ConsoleMessage) -> None:
        """Note an error; Streamlit itself asks for its health below a page's address first, and is told 404."""
        if said.type == "error" and "/_stcore/" not in said.location.get("url", ""):
            self.errors.append(said.text)


@contextmanager
def opened(
    server: Server, width: int, height: int = 900, *, path: str = "/", **context: Any
) -> Iterator[tuple[Page, Seen]]:
    """Open a page of the dashboard in headless Chromium and wait until all of it is drawn."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS.split())
        page = browser.new_context(viewport={"width": width, "height": height}, **context).new_page()
        seen = Seen()
        page.on("pageerror", lambda error: seen.errors.append(str(error)))
        page.on("console", lambda said: seen.say(said))
        local = (server.url, server.url.replace("http", "ws"), "data:", "blob:")
        page.on("request", lambda sent: None if sent.url.startswith(local) else seen.elsewhere.append(sent.url))
        visit(page, server, path)
        yield page, seen
        browser.close()


def visit(page: Page, server: Server, path: str) -> None:
    """Go to an address and wait until all of it is drawn."""
    page.goto(server.url + path, timeout=WAIT_MS)
    drawn(page)


def drawn(page: Page) -> None:
    """Wait for the last heading, for every chart, and for the script to rest."""
    page.get_by_role("heading", name=LAST).wait_for(timeout=WAIT_MS)
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=WAIT_MS)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.stVegaLiteChart')].every(c => c.querySelector('svg .mark-group'))",
        timeout=WAIT_MS,
    )


def violations(page: Page) -> list[str]:
    """Return what axe-core finds against WCAG 2.2 A and AA, with everything that can be opened open."""
    page.evaluate("() => document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("(tags) => axe.run(document, { runOnly: tags })", list(WCAG))
    return [f"{item['id']}: {node['html'][:160]}" for item in found["violations"] for node in item["nodes"]]


def whole(page: Page, path: Path) -> None:
    """Save a picture of the whole page: it scrolls in a frame of its own, so the window is made as high as it."""
    size = page.viewport_size or {"width": 1200, "height": 900}
    height = int(page.locator(".stMainBlockContainer").evaluate("element => element.scrollHeight"))
    page.set_viewport_size({"width": size["width"], "height": height})
    drawn(page)
    page.screenshot(path=path)
    page.set_viewport_size(size)
