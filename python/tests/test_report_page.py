"""The page of a report in headless Chromium: `make browser`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nfstream import NFStreamer
from test_report import ALERT, data, hostile

playwright = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed; `make browser` installs it"
)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    # Playwright leaves its event loop to the end of the process.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
ROOT = Path(__file__).resolve().parents[2]
CAPTURES = ROOT / "tests" / "captures"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A running Chromium."""
    with playwright.sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on the web and Redis captures."""
    page = tmp_path_factory.mktemp("web") / "report.html"
    NFStreamer([CAPTURES / "web.pcap", CAPTURES / "redis.pcap"], order="given").report(page)
    return page


class Opened:
    """A page, its errors and the requests that it has made."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        self.context = browser.new_context(reduced_motion="reduce", **options)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._note)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("footer")

    def _note(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def __enter__(self) -> Any:
        return self.page

    def __exit__(self, kind: object, *_: object) -> None:
        self.context.close()
        if kind is None:
            assert self.errors == []
            assert len(self.requests) == 1


def rows(page: Any) -> list[list[str]]:
    """Returns the cells of the table of flows."""
    found: list[list[str]] = page.evaluate(
        "[...document.querySelectorAll('#flows tbody tr')]"
        ".map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    return found


def found(page: Any) -> int:
    """Returns the number of flows that the bar of filters states."""
    return int(page.locator(".filters .strong").text_content().split()[0].replace(",", ""))


def test_a_click_filters_everything_and_a_chip_undoes_it(browser: Any, web: Path) -> None:
    with Opened(browser, web) as page:
        before = len(rows(page))
        page.locator("#overview button.bar", has_text="RESP").click()
        assert found(page) == 6 and len(rows(page)) == 6
        assert page.locator(".tiles dd").first.text_content() == f"6of {before}"
        assert page.locator("#values button.bar", has_text="6379").count() == 1
        assert "No handshake" in page.locator("#encryption").text_content()
        page.locator(".chip").click()
        assert len(rows(page)) == before
        assert page.locator(".filters").is_hidden()


def test_values_filter_by_column(browser: Any, web: Path) -> None:
    expected = data(web)
    column = next(one for one in expected["columns"] if one["name"] == "dst_port")
    with Opened(browser, web) as page:
        for value, flows, _ in column["values"]["top"][:3]:
            button = page.locator(f'#values button[data-key="dst_port={value}"]')
            button.click()
            assert found(page) == flows
            button.click()


def test_headers_sort(browser: Any, web: Path) -> None:
    with Opened(browser, web) as page:
        head = page.locator("#flows th", has_text="Packets")
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == "descending"
        packets = [int(row[5].replace(",", "")) for row in rows(page)]
        assert packets == sorted(packets, reverse=True)
        head.locator("button").press("Enter")
        assert head.get_attribute("aria-sort") == "ascending"
        assert page.evaluate("document.activeElement.dataset.key") == "sort-total_packets"
        assert [int(row[5].replace(",", "")) for row in rows(page)] == packets[::-1]


def test_search_finds_any_text(browser: Any, web: Path) -> None:
    with Opened(browser, web) as page:
        page.locator("#search").fill("6379 192.168.10.1")
        page.wait_for_selector(".chip")
        assert found(page) == 6
        page.locator("#search").fill("no such thing")
        page.get_by_text("No flow matches.").wait_for()


def test_brush_and_sliders_filter_by_time(browser: Any, web: Path) -> None:
    with Opened(browser, web, viewport={"width": 1400, "height": 900}) as page:
        chart = page.locator(".chart.time")
        chart.scroll_into_view_if_needed()
        box = chart.bounding_box()
        middle = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + 120, middle)
        page.mouse.down()
        page.mouse.move(box["x"] + 300, middle, steps=8)
        page.mouse.up()
        page.wait_for_selector(".chip")
        assert "time" in page.locator(".chip").text_content()
        assert 0 < found(page) < data(web)["total"]["flows"]
        page.locator(".zoom button", has_text="Zoom in").click()
        assert page.locator(".zoom button", has_text="Show all").is_visible()
        page.locator(".clear").click()
        slider = page.locator('.range input[aria-label^="To"]')
        slider.focus()
        for _ in range(3):
            slider.press("PageDown")
        assert found(page) < data(web)["total"]["flows"]


def test_details_open_and_close_by_keyboard(browser: Any, web: Path) -> None:
    with Opened(browser, web) as page:
        first = page.locator("#flows button.open").first
        first.focus()
        page.keyboard.press("ArrowDown")
        key = page.evaluate("document.activeElement.dataset.key")
        assert key == page.locator("#flows button.open").nth(1).get_attribute("data-key")
        page.keyboard.press("Enter")
        dialog = page.locator("dialog[open]")
        assert dialog.is_visible()
        assert page.evaluate("document.activeElement.id") == "detail-title"
        assert dialog.locator("figure svg rect").count() > 1
        assert "client" in dialog.locator("figure svg").get_attribute("aria-label")
        page.keyboard.press("Escape")
        assert dialog.count() == 0
        assert page.evaluate("document.activeElement.dataset.key") == key


def test_details_show_names_certificates_and_every_column(browser: Any, web: Path) -> None:
    with Opened(browser, web) as page:
        page.locator("#overview button.bar", has_text="TLS").first.click()
        page.locator("#flows button.open").first.click()
        dialog = page.locator("dialog[open]")
        titles = dialog.locator("h3").all_text_contents()
        assert {"Volume", "Names", "Encryption", "Fingerprints", "All columns"} <= set(titles)
        dialog.locator("summary").click()
        assert dialog.locator("dl.all dt").count() == len(data(web)["columns"])
        dialog.locator("dl.all button").first.click()
        assert found(page) == 1


def test_themes_follow_the_system_and_the_button(browser: Any, web: Path) -> None:
    shade = "getComputedStyle(document.body).backgroundColor"
    with Opened(browser, web, color_scheme="dark") as page:
        dark = page.evaluate(shade)
        page.locator(".theme").click()
        assert page.evaluate(shade) != dark
    with Opened(browser, web, color_scheme="light") as page:
        assert page.evaluate(shade) != dark
        page.locator(".theme").click()
        assert page.evaluate(shade) == dark


@pytest.mark.parametrize("width", [380, 1600])
def test_the_page_is_never_wider_than_the_window(browser: Any, web: Path, width: int) -> None:
    with Opened(browser, web, viewport={"width": width, "height": 800}) as page:
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_print_hides_controls(browser: Any, web: Path, tmp_path: Path) -> None:
    with Opened(browser, web, color_scheme="dark") as page:
        page.emulate_media(media="print")
        assert page.locator("nav.sections").is_hidden() and page.locator(".controls").is_hidden()
        assert page.locator("#flows tbody tr").first.is_visible()
        page.pdf(path=tmp_path / "report.pdf")


def test_every_control_has_a_name(browser: Any, web: Path) -> None:
    with Opened(browser, web) as page:
        nameless = page.evaluate(
            "[...document.querySelectorAll('button, input, select, [role=img]')].filter((one) =>"
            " !(one.textContent.trim() || one.ariaLabel || one.labels?.length)).length"
        )
        assert nameless == 0
        assert page.locator("h1").count() == 1


def test_text_of_packets_stays_text(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    NFStreamer(hostile(tmp_path)).report(path, title=f"</title>{ALERT}\x1b[31m")
    with Opened(browser, path) as page:
        assert ALERT in page.title()
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        page.wait_for_timeout(100)
        for place in range(page.locator("#flows button.open").count()):
            page.locator("#flows button.open").nth(place).click()
            page.keyboard.press("Escape")
        page.mouse.move(400, 400)
        assert page.locator("img").count() == 0
        assert page.locator("script").count() == 2
        assert page.evaluate("window.hacked") is None
        shown = page.locator("body").text_content()
        assert ALERT in shown and "\\u{202e}" in shown and "\\u{1b}[31m" in shown
        assert "\u202e" not in shown


def test_the_policy_refuses_markup_and_requests(browser: Any, web: Path) -> None:
    opened = Opened(browser, web)
    page = opened.page
    failures: list[str] = []
    page.on("requestfailed", lambda request: failures.append(request.failure))
    set_markup = (
        "(() => { try { document.createElement('p').innerHTML = '<b>'; return 'set'; }"
        " catch (error) { return error.name; } })()"
    )
    assert page.evaluate(set_markup) == "TypeError"
    sent = "fetch('https://example.com/').then(() => 'sent', () => 'refused')"
    assert page.evaluate(sent) == "refused"
    image = "document.body.append(Object.assign(new Image(), { src: 'https://example.com/x' }))"
    with page.expect_event("requestfailed"):
        page.evaluate(image)
    assert set(failures) == {"csp"}
    opened.context.close()


def test_a_sample_says_what_it_holds(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    NFStreamer(CAPTURES / "web.pcap").report(path, flows=2)
    held = data(path)["flows"]["rows"]
    with Opened(browser, path) as page:
        note = page.locator("#flows .note").first.text_content()
        assert note.startswith(f"The table holds {held} flows of ") and "largest by bytes" in note
        page.locator("#overview button.bar").first.click()
        assert "Filters apply to the" in page.locator(".filters").text_content()


def test_a_report_without_flows(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    NFStreamer(CAPTURES / "web.pcap", bpf_filter="port 1").report(path)
    with Opened(browser, path) as page:
        assert "No flow matches." in page.locator("#flows").text_content()
        assert "removed by the filter" in page.locator("#overview").text_content()
