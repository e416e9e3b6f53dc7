"""Make the pictures and outputs that ``docs/tutorial.md`` shows, by running that page's own code.

``python infra/docs/figures.py`` runs it in a folder of its own, writes ``docs/images/coarsening.svg``
and puts what was printed into the page, below its ``<!-- shown: NAME -->`` marks.
"""

import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE, PICTURE = ROOT / "docs" / "tutorial.md", ROOT / "docs" / "images" / "coarsening.svg"
BIN = Path(sys.executable).parent
_FENCE = re.compile(r"^```(sh|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SHOWN = re.compile(r"(<!-- shown: (\w+) -->\n```text\n).*?(^```$)", re.MULTILINE | re.DOTALL)


def main() -> None:
    """Run the page, keep what it made."""
    text = PAGE.read_text("utf-8")
    os.environ["MPLBACKEND"] = "agg"
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        import matplotlib

        matplotlib.rcParams |= {"svg.hashsalt": "graticule", "savefig.facecolor": "white"}
        shown = _run(text)
        picture = Path("coarsening.svg").read_text("utf-8")
    PICTURE.write_text(re.sub(r"<dc:date>.*?</dc:date>", "", picture), "utf-8")
    PAGE.write_text(_SHOWN.sub(lambda found: found[1] + shown[found[2]] + found[3], text), "utf-8")


def _run(text: str) -> dict[str, str]:
    """Run all fences in order; return what the two that are shown have printed."""
    names: dict[str, object] = {}
    shown = {}
    for language, code in _FENCE.findall(text):
        if language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as said:
                exec(compile(code, str(PAGE), "exec"), names)
            if said.getvalue():
                shown["tables"] = said.getvalue()
            continue
        if code.startswith("make "):
            continue
        command = code.replace(".venv/bin/", f"{BIN}/")
        done = subprocess.run(["bash", "-euc", command], check=True, stdout=subprocess.PIPE, text=True)
        if " evaluate " in command:
            shown["evaluate"] = done.stdout
    return shown


if __name__ == "__main__":
    main()
