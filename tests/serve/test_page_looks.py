"""How the page fits its window, and whether it can be read."""

import pytest

from page_in_chromium import CHROMIUM, Tab
from serve.examples import example_png

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium")

CONTRASTS = """() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const rgb = (...layers) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of layers) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement, style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    const text = walk.currentNode.data.trim();
    if (!text || box.width < 2 || element.closest(":disabled, .heard, option")) continue;
    const grounds = [];
    for (let at = element; at; at = at.parentElement) grounds.unshift(getComputedStyle(at).backgroundColor);
    const ground = rgb(...grounds);
    const ink = rgb(...grounds, element instanceof SVGElement ? style.fill : style.color);
    const [low, high] = [light(ground), light(ink)].sort((a, b) => a - b);
    found.push([text.slice(0, 40), (high + 0.05) / (low + 0.05)]);
  }
  return found;
}"""


@pytest.fixture(params=["light", "dark"])
def scheme(request):
    return request.param


@pytest.fixture(params=[1280, 800])
def tab(request, server, browser, scheme):
    made = Tab(browser, server.url, width=request.param, color_scheme=scheme)
    made.ready()
    yield made
    assert made.troubles == []
    made.close()


def unread(tab):
    return [(text, round(ratio, 2)) for text, ratio in tab.page.evaluate(CONTRASTS) if ratio < 4.5]


def assert_fits(tab):
    width = tab.page.viewport_size["width"]
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
    assert (
        tab.page.evaluate(
            "document.querySelector('.scroll').scrollWidth - document.querySelector('.scroll').clientWidth"
        )
        <= 0
    )
    outside = """(width) => [...document.querySelectorAll("button, input, select")].filter((one) => {
      const box = one.getBoundingClientRect();
      return box.width && (box.left < 0 || box.right > width + 0.5);
    }).map((one) => one.id || one.textContent)"""
    assert tab.page.evaluate(outside, width) == []


def test_empty_page_fits_and_can_be_read(tab):
    assert_fits(tab)
    assert unread(tab) == []


def assert_figures_fit(tab):
    for name, text in [("count", "12345"), ("mean", "1234"), ("median", "0.123"), ("deviation", "9.99e+7")]:
        tab.page.evaluate("([id, text]) => { document.getElementById(id).textContent = text; }", [name, text])
    panel, last = tab["figures"].bounding_box(), tab["deviation"].bounding_box()
    assert last["x"] + last["width"] <= panel["x"] + panel["width"] + 0.5


def test_full_page_fits_and_can_be_read(tab):
    found = tab.drop(example_png("easy"))
    one = max(found["instances"], key=lambda one: one["area_px"])
    tab.hover(one["centroid"][1], one["centroid"][0])
    tab.page.keyboard.press("n")
    tab["model"].click()
    assert_fits(tab)
    assert unread(tab) == []
    stage = tab["stage"].bounding_box()
    assert (
        stage["width"] * stage["height"]
        > 0.6 * tab.page.viewport_size["width"] * tab.page.viewport_size["height"]
    )
    assert_figures_fit(tab)


def test_the_theme_can_be_turned(tab, scheme):
    ground = "getComputedStyle(document.body).backgroundColor"
    before = tab.page.evaluate(ground)
    tab["theme"].click()
    assert tab.page.evaluate(ground) != before
    tab["theme"].click()
    assert tab.page.evaluate(ground) == before


def test_everything_that_can_be_used_has_a_name(server, browser):
    tab = Tab(browser, server.url)
    tab.ready()
    tab.drop(example_png("easy"))
    nameless = """() => [...document.querySelectorAll("button, input, select, [tabindex]")].filter((one) => {
      const named = one.matches("[aria-label], [aria-labelledby]") || one.labels?.length;
      return !named && !one.textContent.trim() && one.type !== "file";
    }).map((one) => one.outerHTML)"""
    assert tab.page.evaluate(nameless) == []
    tab.close()


def test_nothing_moves_for_those_who_asked_for_that(server, browser):
    tab = Tab(browser, server.url, reduced_motion="reduce")
    tab.ready()
    moving = "getComputedStyle(document.querySelector('.working svg')).animationName"
    assert tab.page.evaluate(moving) == "none"
    tab.close()
