"""The figures of a benchmark are found in what it prints."""

from benchmarks.figures import figures

TABLE = """
Some words with 3 numbers.

| frames | s | frames/s |
|---|---|---|
| 100 | 29.1 | 3.4 |
| 1,600 | 236.5 | - |

| weights | margin px | boxes | asked |
|---|---|---|---|
| random | 0 | 1.5e-02 | none |
| random | 32 | **1.1e-02** | 2 |

**Growth exponent 0.756** (asked: at most 1.05); **9.3% apart**.
"""


def test_tables_and_bold_words_give_figures_by_name():
    assert figures(TABLE.splitlines()) == {
        "100/s": 29.1,
        "100/frames/s": 3.4,
        "1,600/s": 236.5,
        "random 0/boxes": 0.015,
        "random 32/boxes": 0.011,
        "random 32/asked": 2.0,
        "Growth exponent": 0.756,
        "% apart": 9.3,
    }


def test_what_has_no_figures_gives_none():
    assert figures(["words", "", "| a | b |", "|---|---|"]) == {}
