"""Every command and every piece of Python in the pages is run."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from docs.fences import ROOT, RUN, SHOWN, fences, pages
from docs.ways import shortened

PACKAGES = {"curl": "curl", "kubectl": "kubernetes-client", "openssl": "openssl", "promtool": "prometheus"}
"""Debian's, of programs that are really run."""
WITH_COMMANDS = [page for page in pages() if any(fence.language in RUN for fence in fences(page))]


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_every_command_of_a_page_does_what_it_says(page, page_said):
    _skip_without_its_tools(page)
    print(page_said(page))  # pytest -rP shows it, with the seconds of each command


@pytest.mark.slow
def test_the_demo_ends_with_a_report(tmp_path):
    short = ["--out", str(tmp_path), "--frames", "3"]
    done = subprocess.run(
        [sys.executable, "infra/demo.py", *short], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert f"report:     {tmp_path}/tracked.ome.zarr/report/index.html" in done.stdout
    assert (tmp_path / "tracked.ome.zarr" / "report" / "index.html").is_file()


@pytest.mark.parametrize("page", pages())
def test_every_fence_says_whether_it_is_run(page):
    unknown = [(fence.line, fence.language) for fence in fences(page) if fence.language not in (*RUN, *SHOWN)]
    assert unknown == [], f"{page}: write sh for commands, text for what is only shown"


def test_a_command_that_nobody_knows_how_to_run_is_refused():
    with pytest.raises(LookupError, match="no way is known"):
        shortened(["python", "jobs/no_such_job.py"])


def _skip_without_its_tools(page: str) -> None:
    said = "\n".join(fence.code for fence in fences(page) if fence.language == "sh")
    lacking = [
        package
        for program, package in PACKAGES.items()
        if re.search(rf"\b{program}\b", said) and shutil.which(program) is None
    ]
    if lacking and not os.environ.get("CI"):
        pytest.skip(f"needs Debian's {', '.join(lacking)}")
