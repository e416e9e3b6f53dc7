"""The messages that the troubleshooting page quotes are those of the code."""

import ast
import os
import re
from functools import cache
from pathlib import Path

import pytest

from docs.fences import ROOT, fences, pages
from graticule.cli import main

PREFIX = "graticule: error: "


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
        if line.startswith(PREFIX) or (page == "docs/troubleshooting.md" and line)
    ]


QUOTED = quoted_lines()
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


def quoted(begin: str) -> str:
    """Return the pattern of the message that begins so, its words in capitals being anything."""
    [message] = [message for message in QUOTED if message.startswith(begin) or begin in message]
    parts = [re.escape(part) for part in _WORD.split(message)]
    return ".*".join(parts)


def told(capsys, *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert ended.value.code == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith(PREFIX)
    return said.removeprefix(PREFIX)


def produced(tmp_path: Path) -> dict[str, list[str]]:
    """Return words that bring a message about, by a part of the message."""
    (tmp_path / "folders").mkdir()
    (tmp_path / "folders" / "notes.txt").write_text("no picture")
    (tmp_path / "movie.mp4").write_bytes(b"\0" * 4096)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("precious")
    (tmp_path / "stack.tif").write_bytes((Path(tmp_path) / "movie.mp4").read_bytes())
    out = ["--out", str(tmp_path / "out.ome.zarr")]
    return {
        "no such file or folder": ["track", str(tmp_path / "none.mrc"), *out],
        "cannot be opened as a video": ["track", str(tmp_path / "movie.mp4"), *out],
        "holds no png, jpg or tif": ["track", str(tmp_path / "folders"), *out],
        "matches no file": ["track", str(tmp_path / "*.mrc"), *out],
        "unknown segmenter": ["track", str(tmp_path / "movie.mp4"), *out, "--segmenter", "unet"],
        "does not answer as an endpoint": ["promote", "1", "--server", "http://127.0.0.1:9"],
    }


@pytest.mark.parametrize(
    "part",
    [
        "no such file or folder",
        "cannot be opened as a video",
        "holds no png, jpg or tif",
        "matches no file",
        "unknown segmenter",
    ],
)
def test_a_message_comes_about_as_the_page_says(part, tmp_path, capsys):
    said = told(capsys, *produced(tmp_path)[part])
    assert re.fullmatch(quoted(part).replace("give", ".*give"), said)


def test_a_result_of_somebody_else_is_not_written_over(tmp_path, capsys):
    from pictures_on_disk import sequence

    produced(tmp_path)
    movie = sequence(tmp_path / "frames")
    said = told(capsys, "track", str(movie), "--out", str(tmp_path / "taken"))
    assert re.fullmatch(quoted("is not empty and holds no graticule experiment"), said)


def test_a_relative_path_in_a_job_is_refused(monkeypatch, capsys):
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    monkeypatch.chdir("/")
    said = told(capsys, "track", "movie.mrc", "--out", os.path.abspath("out.ome.zarr"))
    assert re.fullmatch(quoted("is relative").replace("/data/movie", ".*movie"), said)
