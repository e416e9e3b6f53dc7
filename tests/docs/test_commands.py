"""Every command and every piece of Python in the pages is run."""

import subprocess
import sys

import pytest

from docs.fences import ROOT, RUN, SHOWN, fences, pages
from docs.ways import shortened

WITH_COMMANDS = [page for page in pages() if any(fence.language in RUN for fence in fences(page))]


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_every_command_of_a_page_does_what_it_says(page, scene):
    under_way = scene.page(page)
    for fence in fences(page):
        if fence.language in RUN:
            under_way.run(fence)


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
