"""What the page says when the server refuses; every refusal is a real server's."""

import io
import threading
import urllib.request

import pytest
from PIL import Image

from page_in_chromium import CHROMIUM, Tab, serving
from serve.examples import example_png

pytestmark = [pytest.mark.skipif(not CHROMIUM.exists(), reason="no /usr/bin/chromium"), pytest.mark.slow]


@pytest.fixture
def tab_of(browser):
    tabs = []

    def make(server, **options):
        tabs.append(Tab(browser, server.url, **options))
        return tabs[-1]

    yield make
    for tab in tabs:
        tab.close()


def notice(tab):
    tab["notice"].wait_for()
    return tab["notice"].inner_text()


def test_an_image_that_is_too_large_is_refused_with_both_numbers(tab_of):
    with serving(image_pixels=100 * 100) as server:
        tab = tab_of(server)
        tab.ready()
        tab.drop_only(example_png("easy"))
        said = notice(tab)
    assert "512 x 512" in said
    assert "10000" in said
    assert tab["again"].is_hidden()
    assert tab["empty"].is_visible()


def test_a_file_of_too_many_bytes_is_refused(tab_of):
    with serving(image_bytes=1000) as server:
        tab = tab_of(server)
        tab.ready()
        tab.drop_only(example_png("easy"))
        assert "1000" in notice(tab)


def test_a_file_that_is_no_image_is_refused_and_the_next_one_opens(tab_of):
    gif = io.BytesIO()
    Image.new("L", (20, 20)).save(gif, "gif")
    with serving() as server:
        tab = tab_of(server)
        tab.ready()
        tab.drop_only(gif.getvalue(), "a.gif", "image/gif")
        assert "is a GIF" in notice(tab)
        assert tab["notice"].get_attribute("role") == "alert"
        tab["dismiss"].click()
        assert tab["notice"].is_hidden()
        tab.drop(example_png("easy"))


def test_a_token_is_asked_for_until_it_is_the_right_one(tab_of):
    with serving(token="right") as server:
        tab = tab_of(server)
        for given in ("wrong", "right"):
            tab["token-dialog"].wait_for()
            assert tab.page.evaluate("document.activeElement.id") == "token"
            tab["token"].fill(given)
            tab.page.keyboard.press("Enter")
            if given == "wrong":
                tab.page.wait_for_selector("text=That was not it")
        tab.ready()
        tab.drop(example_png("easy"))
        tab.page.reload()
        tab.ready()
        assert tab["token-dialog"].is_hidden()


def test_without_a_token_the_page_says_why_there_is_nothing(tab_of):
    with serving(token="right") as server:
        tab = tab_of(server)
        tab["token-dialog"].wait_for()
        tab.page.get_by_role("button", name="Cancel").click()
        assert "Authorization" in notice(tab)
        tab["again"].click()
        tab["token-dialog"].wait_for()
        tab["token"].fill("right")
        tab.page.keyboard.press("Enter")
        tab.ready()


def test_a_busy_server_is_asked_again_when_it_says_so(tab_of):
    with serving(waiting=1) as server:
        tab = tab_of(server)
        tab.ready()
        url = f"{server.url}/v1/segment?model=efficient-sam-ti"
        asked = urllib.request.Request(url, example_png("medium"), {"Content-Type": "image/png"})
        slow = threading.Thread(target=lambda: urllib.request.urlopen(asked).read())
        slow.start()
        tab.page.wait_for_timeout(700)
        tab.drop_only(example_png("easy"))
        tab.page.wait_for_selector("text=/busy: asking again in \\d s/")
        tab.page.wait_for_selector("#save-csv:not([disabled])")
        slow.join()
        assert tab["notice"].is_hidden()


def test_a_server_that_is_gone_leaves_the_page_as_it_is(tab_of):
    with serving() as server:
        tab = tab_of(server)
        tab.ready()
        count = len(tab.drop(example_png("easy"))["instances"])
    tab["polarity"].select_option("dark")
    assert "does not answer" in notice(tab)
    assert tab["again"].is_visible()
    tab.count_is(count)
    assert len(tab.saved("csv").decode().splitlines()) == count + 1


def test_work_can_be_stopped(tab_of):
    with serving(default_model="efficient-sam-ti") as server:
        tab = tab_of(server)
        tab.ready()
        tab.drop_only(example_png("easy"))
        tab.page.wait_for_selector("text=efficient-sam-ti is looking")
        tab["cancel"].click()
        tab["working"].wait_for(state="hidden")
        assert tab["notice"].is_hidden()
        assert tab["save-csv"].is_disabled()
