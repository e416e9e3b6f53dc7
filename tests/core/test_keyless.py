"""Addresses are told without what opens them; all else is told as it is."""

import subprocess
import sys

import pytest

from graticule.core.errors import InputError
from graticule.core.keyless import keyless, without_keys


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("http://lab:word@host:5000/a", "http://host:5000/a"),
        ("postgresql+psycopg2://mlflow:p@ss@db:5432/m refused", "postgresql+psycopg2://db:5432/m refused"),
        ("https://h/a.tif?X-Amz-Signature=ab&X-Amz-Expires=9", "https://h/a.tif"),
        ("https://h/a.tif?id=3&sig=ab: no such file; check", "https://h/a.tif?id=3: no such file; check"),
        ("https://a.blob/b?sv=2024&sr=b&se=2026&sp=r&sig=x%3D", "https://a.blob/b"),
        ("https://h/a?GoogleAccessId=me&Expires=1&Signature=x", "https://h/a"),
        ("with url: /w.pt?access_token=ab (Caused by X)", "with url: /w.pt (Caused by X)"),
        ("'https://h/a?t=" + "5" * 40 + "'", "'https://h/a'"),
        ("Authorization: Basic bGFiOndvcmQ=", "Authorization: Basic …"),
        ("{'authorization': 'Bearer abc.def'}", "{'authorization': 'Bearer …'}"),
        ("two: ftp://a:b@c/d, sftp://e:f@g/h", "two: ftp://c/d, sftp://g/h"),
    ],
)
def test_keys_are_not_told(text, told):
    assert without_keys(text) == told


@pytest.mark.parametrize(
    "text",
    [
        "models:/graticule-segmenter@champion",
        "models://graticule-segmenter@champion",
        "s3://bucket/2026@night/a.tif",
        "/data/what?.tif, /data/me@home.tif",
        "https://h/get?id=12&format=tif&size=3",
        "is the disk full? Basic settings, bearer of news = none",
        "sqlite:////home/me/mlflow.db",
        "file:///data/a@b.tif",
        "https://h/#fragment",
    ],
)
def test_other_texts_stay_as_they_are(text):
    assert without_keys(text) == text


def test_every_text_in_a_value_is_told_without_keys():
    value = {"a": ["http://u:p@h/x", 1, None], "b": {"c": ("https://h?sig=1",)}}
    assert keyless(value) == {"a": ["http://h/x", 1, None], "b": {"c": ["https://h"]}}


def test_an_error_of_ours_does_not_tell_keys_and_survives_a_journey():
    import pickle

    error = InputError("http://u:p@h/x cannot be read")
    assert str(error) == str(pickle.loads(pickle.dumps(error))) == "http://h/x cannot be read"


CODE = """
import logging
from graticule.core.keyless import log_without_keys
log_without_keys(level=logging.DEBUG, form="ours: %(message)s")
try:
    raise ValueError("http://u:word@h/x")
except ValueError:
    logging.getLogger("any").debug("while reading %s", "https://h/y?sig=word", exc_info=True)
raise RuntimeError("ftp://u:word@h")
"""


def test_logs_and_tracebacks_do_not_tell_keys():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ours: while reading https://h/y\n" in done.stderr
    assert "ValueError: http://h/x" in done.stderr
    assert done.stderr.rstrip().endswith("RuntimeError: ftp://h")
    assert "word@" not in done.stderr
    assert "sig=" not in done.stderr.replace('"https://h/y?sig=word"', "")
