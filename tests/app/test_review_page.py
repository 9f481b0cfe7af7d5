"""The reviewers' page: off, behind its token, one key a decision, never an answer to a question nobody has seen."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from app.views import review
from tests.app.browser import _ARGUMENTS, CHROMIUM, ROOT, WAIT_MS, Server, serving
from tests.warehouse.builders import RUN, add_report, warehouse
from tests.warehouse.test_audit import add_post, as_report
from warehouse.review.audit import draw
from warehouse.review.decisions import decisions_file, read
from warehouse.review.file import write_review_file

TOKEN = "a-long-enough-token"
HOSTILE = "<img src=x onerror=alert(1)> [x](javascript:alert(1))\n\u202esecond line"


@pytest.mark.parametrize(
    ("token", "given", "let_in"),
    [
        (TOKEN, TOKEN, True),
        (TOKEN, TOKEN + "x", False),
        ("", "", False),
        ("short", "short", False),
        (TOKEN, "é", False),
    ],
)
def test_only_the_token_opens(token: str, given: str, let_in: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFSCRIPT_REVIEW_TOKEN", token)
    review._WRONG.clear()
    assert review.admitted(given, 0.0) is let_in


def test_after_five_wrong_tokens_none_is_taken_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFSCRIPT_REVIEW_TOKEN", TOKEN)
    review._WRONG.clear()
    assert not any(review.admitted("wrong", float(at)) for at in range(5))
    assert not review.admitted(TOKEN, 5.0)
    assert review.admitted(TOKEN, 5.0 + 2 * review.LOCKED_S)


def test_it_is_off_unless_turned_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OFFSCRIPT_REVIEW", raising=False)
    assert not review.enabled()
    monkeypatch.setenv("OFFSCRIPT_REVIEW", "0")
    assert not review.enabled()


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "x.duckdb"
    with warehouse(path) as con:
        add_report(con, "github:1", title="first", text=HOSTILE, p_strict=0.51)
        add_report(con, "github:2", title="second", text="told", p_strict=0.48, is_strict=False)
        add_report(con, "github:3", title="third", text="told", p_strict=0.55)
        add_post(con, "github:rejected", kept=False)
        draw(con, 5, seed=1, run_id=RUN)
        write_review_file(con, path, as_report)
    return path


@pytest.fixture
def server(db: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setitem(os.environ, "OFFSCRIPT_REVIEW", "1")
    monkeypatch.setitem(os.environ, "OFFSCRIPT_REVIEW_TOKEN", TOKEN)
    with serving(db, tmp_path) as running:
        yield running
    assert not [line for line in running.log if "Traceback" in line or TOKEN in line]


def strike(page: Page, key: str, then: str) -> None:
    """Strike a key once the question is drawn and was there long enough to be read, and wait for what follows."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=WAIT_MS)
    page.wait_for_timeout(2_000 * review.READ_S)
    page.keyboard.press(key)
    page.get_by_text(then).wait_for(timeout=WAIT_MS)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: apt-get install chromium)")
def test_a_sitting_by_keyboard(server: Server, db: Path) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS.split())
        page = browser.new_context(viewport={"width": 1200, "height": 1000}).new_page()
        page.goto(f"{server.url}/review", timeout=WAIT_MS)
        page.get_by_label("Your short name").fill("ab", timeout=WAIT_MS)
        page.get_by_label("Token").fill("not the token at all")
        page.get_by_role("button", name="Begin").click()
        page.get_by_text("That is not the token").wait_for(timeout=WAIT_MS)
        assert page.locator(".os-post").count() == 0
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Begin").click()
        page.get_by_text("3 wait for you, 0 answered").wait_for(timeout=WAIT_MS)
        page.get_by_role("button", name="Agree").wait_for(timeout=WAIT_MS)
        shown = page.locator(".os-post")
        assert "first" in shown.inner_text()
        assert "<img src=x" in shown.inner_text()
        assert (shown.locator("img").count(), shown.locator("a[href^=javascript]").count()) == (0, 0)
        (ROOT / "tests" / "artefacts").mkdir(exist_ok=True)
        page.screenshot(path=ROOT / "tests" / "artefacts" / "review.png")
        strike(page, "5", "2 wait for you, 1 answered")
        strike(page, "u", "3 wait for you, 0 answered")
        strike(page, "1", "2 wait for you, 1 answered")
        strike(page, "a", "1 wait for you, 2 answered")
        page.get_by_text("Random audit").click()
        page.get_by_role("button", name="Not one").wait_for(timeout=WAIT_MS)
        assert "p 0." not in page.locator("body").inner_text()
        strike(page, "n", "0 wait for you, 3 answered")
        browser.close()
    made, bad = read(decisions_file(db))
    assert bad == []
    said = [(one.review_of, one.decision, one.decided_value, one.draw_reason) for one in made]
    assert said == [
        ("github:1", "kind", "ordinary_failure", "information"),
        ("github:1", "is_strict", "false", "information"),
        ("github:1", "undo", None, "information"),
        ("github:1", "undo", None, "information"),
        ("github:1", "kind", "first_hand", "information"),
        ("github:1", "is_strict", "true", "information"),
        ("github:2", "kind", "first_hand", "information"),
        ("github:2", "is_strict", "false", "information"),
        ("github:rejected", "is_strict", "false", "audit"),
    ]
    assert {one.reviewer for one in made} == {"ab"}
    assert made[-1].inclusion_p == 1
