"""The messages that the troubleshooting page quotes are those of the code."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from docs.fences import ROOT, fences, pages
from graticule.cli import main
from graticule.cli.doctor.services import services
from graticule.cli.promote import _refreshed
from graticule.core.errors import ConfigError
from mlflow_home import mlflow_home
from pictures_on_disk import circles, picture, save

__all__ = ["mlflow_home"]

PREFIX = "graticule: error: "
PROBLEM = " PROBLEM: "
"""In a line of ``graticule doctor``."""


def quoted_lines() -> list[str]:
    """Return what the troubleshooting page quotes, and what others do that begins as messages do."""
    lines = [
        (page, line)
        for page in pages()
        for fence in fences(page)
        if fence.language == "text"
        for line in fence.code.splitlines()
    ]
    return [
        line.removeprefix(PREFIX)
        for page, line in lines
        if line.startswith(PREFIX) or (page == "docs/troubleshooting.md" and line and PROBLEM not in line)
    ]


QUOTED = quoted_lines()
ON_THE_PAGE = [
    line
    for fence in fences("docs/troubleshooting.md")
    if fence.language == "text"
    for line in fence.code.splitlines()
]
_WORD = re.compile(r"[A-Z]{3,}")


@cache
def said_by_the_code() -> list[re.Pattern[str]]:
    """Return every text of the code with a few words in it, as a pattern: what is filled in is anything."""
    files = [*(ROOT / "platform").rglob("*.py"), *(ROOT / "serve").rglob("*.py")]
    return [re.compile(pattern) for file in files for pattern in texts(ast.parse(file.read_text("utf-8")))]


def texts(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [
                re.escape(part.value) if isinstance(part, ast.Constant) else ".*" for part in node.values
            ]
            words = "".join(part.value for part in node.values if isinstance(part, ast.Constant))
            if len(words.split()) >= 3:
                found.add("".join(parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value.split()) >= 3:
            found.add(re.escape(node.value))
    return found


@pytest.mark.parametrize("message", QUOTED)
def test_a_message_that_is_quoted_is_one_of_the_code(message):
    after_the_place = message.partition(": ")[2] if re.match(r"[A-Z]+: ", message) else message
    said = {message, after_the_place}
    assert any(pattern.fullmatch(text) for pattern in said_by_the_code() for text in said)


def quoted(part: str) -> str:
    """Return the page's message with this in it, as a pattern: words in capitals are anything."""
    [line] = [line for line in ON_THE_PAGE if part in line]
    return ".*".join(re.escape(piece) for piece in _WORD.split(line.replace("/data/movie.mrc", "PATH")))


PRODUCED = {
    "no such file or folder": "track none.mrc",
    "cannot be opened as a video": "track movie.mp4",
    "holds no png, jpg or tif": "track folder",
    "matches no file": "track *.mrc",
    "unknown segmenter": "track frames --segmenter unet",
    "is not empty and holds no graticule experiment": "track frames --out taken",
    "needs a pixel size": "track frames --min-diameter-nm 2",
    "there is no champion": "track frames --segmenter champion",
}
"""Words that bring a message about, by a part of the message."""


@pytest.mark.parametrize("part", PRODUCED)
def test_a_message_comes_about_as_the_page_says(part, mlflow_home, tmp_path, capsys):
    _files(tmp_path)
    words = [str(tmp_path / word) if _names_a_file(word) else word for word in PRODUCED[part].split()]
    out = [] if "--out" in words else ["--out", str(tmp_path / "out.ome.zarr")]
    assert re.fullmatch(quoted(part), told(capsys, *words, *out))


def test_a_relative_path_in_a_job_is_refused_as_the_page_says(monkeypatch, capsys):
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    said = told(capsys, "track", "movie.mrc", "--out", "/data/out.ome.zarr")
    assert re.fullmatch(quoted("is relative"), said)


def test_an_endpoint_that_is_none_is_told_of_as_the_page_says(capsys):
    with pytest.raises(ConfigError) as refused:
        _refreshed("http://127.0.0.1:9")
    assert re.fullmatch(quoted("does not answer as an endpoint"), str(refused.value))


def test_doctor_finds_the_problem_that_the_page_shows(mlflow_home, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    found = [str(finding) for finding in services() if finding.state == "problem"]
    assert found == [line for line in ON_THE_PAGE if PROBLEM in line]


def told(capsys, *words: str) -> str:
    """Run a command that must end with an error; return it."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert ended.value.code == 1
    assert said.startswith(PREFIX)
    return said.removeprefix(PREFIX)


def _files(folder: Path) -> None:
    for name in ("folder", "taken"):
        (folder / name).mkdir()
        (folder / name / "notes.txt").write_text("precious")
    (folder / "movie.mp4").write_bytes(bytes(4096))
    for number in range(2):
        save(folder / "frames" / f"{number}.png", picture(circles(), seed=number))


def _names_a_file(word: str) -> bool:
    return word in ("folder", "frames", "taken") or "." in word
