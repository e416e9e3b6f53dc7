"""Every command and every piece of Python in the pages is run."""

import pytest

from docs.fences import RUN, SHOWN, fences, pages
from docs.ways import shortened

WITH_COMMANDS = [page for page in pages() if any(fence.language in RUN for fence in fences(page))]


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_COMMANDS)
def test_every_command_of_a_page_does_what_it_says(page, scene):
    under_way = scene.page(page)
    for fence in fences(page):
        if fence.language in RUN:
            under_way.run(fence)


@pytest.mark.parametrize("page", pages())
def test_every_fence_says_whether_it_is_run(page):
    unknown = [(fence.line, fence.language) for fence in fences(page) if fence.language not in (*RUN, *SHOWN)]
    assert unknown == [], f"{page}: write sh for commands, text for what is only shown"


def test_a_command_that_nobody_knows_how_to_run_is_refused():
    with pytest.raises(LookupError, match="no way is known"):
        shortened(["python", "jobs/no_such_job.py"])
