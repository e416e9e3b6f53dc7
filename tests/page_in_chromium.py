"""The endpoint's page in Debian's Chromium, and real servers for it to talk to."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import Locator, Page, sync_playwright

from serve.local import local_api
from serve.settings import ServeSettings

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE = 120_000

_DROP = """([name, type, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], name, {type}));
  const send = (kind) => document.body.dispatchEvent(
    new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));
  if (type === "paste") dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true}));
  else for (const kind of ["dragenter", "dragover", "drop"]) send(kind);
}"""


@contextmanager
def serving(*, token: str | None = None, **settings: Any) -> Iterator["Server"]:
    """Run a server in this process: the same application, its backend in one thread."""
    made = ServeSettings(**{"default_model": "threshold", "champion_seconds": 3600.0, **settings})
    api = local_api(made, token=token.encode() if token else None)
    server = Server(
        uvicorn.Config(api, host="127.0.0.1", port=0, log_level="warning", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield server
    finally:
        server.stop()
        thread.join(30)


class Server(uvicorn.Server):
    """Knows its address, and can be stopped from another thread."""

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}"

    def stop(self) -> None:
        """End it, with a second for what is under way."""
        self.should_exit = True


@contextmanager
def chromium() -> Iterator[Any]:
    """Run the browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


class Tab:
    """The page as a person has it before them."""

    def __init__(
        self, browser: Any, url: str, *, width: int = 1280, height: int = 800, **options: Any
    ) -> None:
        self.page: Page = browser.new_page(viewport={"width": width, "height": height}, **options)
        self.page.set_default_timeout(PATIENCE)
        self.asked: list[str] = []
        self.troubles: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on(
            "console", lambda said: self.troubles.append(said.text) if said.type == "error" else None
        )
        self.url = url
        self.page.goto(url)

    def __getitem__(self, name: str) -> Locator:
        return self.page.locator(f"#{name}")

    def ready(self) -> None:
        """Wait until models and examples are there."""
        self.page.wait_for_selector(".example")

    def drop(self, content: bytes, name: str = "image.png", kind: str = "image/png") -> dict[str, Any]:
        """Drop a file on the page; return the server's answer to it."""
        with self.page.expect_response("**/v1/segment", timeout=PATIENCE) as answer:
            self.drop_only(content, name, kind)
        found: dict[str, Any] = answer.value.json()
        self.count_is(len(found["instances"]))
        return found

    def drop_only(self, content: bytes, name: str = "image.png", kind: str = "image/png") -> None:
        """Drop a file, or paste it if ``kind`` says so, and wait for nothing."""
        self.page.evaluate(_DROP, [name, kind, base64.b64encode(content).decode()])

    def count_is(self, number: int) -> None:
        """Wait until so many particles are counted."""
        self.page.wait_for_selector(f"#count:text-is('{number}')")

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return where an image's place is on the screen."""
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        scale, left, top = map(float, (self["marks"].get_attribute("data-view") or "").split())
        box = self["marks"].bounding_box()
        assert box is not None
        return box["x"] + (x + 0.5) * scale + left, box["y"] + (y + 0.5) * scale + top

    def hover(self, x: float, y: float) -> None:
        """Point at a place of the image."""
        self.page.mouse.move(*self.place(x, y))

    def click(self, x: float, y: float) -> None:
        """Click at a place of the image."""
        self.page.mouse.click(*self.place(x, y))

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag from place to place of the image, x before y."""
        self.page.mouse.move(*self.place(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.place((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
        self.page.mouse.move(*self.place(*end))
        self.page.mouse.up()

    def colour(self, x: float, y: float) -> list[int]:
        """Return what is painted at a place of the image, below what moves."""
        left, top = self.place(x, y)
        box = self["marks"].bounding_box()
        assert box is not None
        script = (
            "([x, y]) => [...document.getElementById('base').getContext('2d').getImageData(x, y, 1, 1).data]"
        )
        rgb: list[int] = self.page.evaluate(script, [int(left - box["x"]), int(top - box["y"])])
        return rgb[:3]

    def saved(self, name: str) -> bytes:
        """Save something, and return it."""
        with self.page.expect_download() as download:
            self[f"save-{name}"].click()
        return Path(download.value.path()).read_bytes()

    def run(self, module: str, script: str, argument: Any = None) -> Any:
        """Run a function of a module of the page: ``(m, argument) => …``."""
        text = f"(async ([m, argument]) => ({script})(await import('/page/' + m), argument))"
        return self.page.evaluate(text, [module, json.loads(json.dumps(argument))])

    def close(self) -> None:
        """Close it."""
        self.page.close()
