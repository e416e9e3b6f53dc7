"""The form of an answer is what ``Accept`` likes best."""

import pytest

from serve.accepting import form_for
from serve.problems import Problem


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, "json"),
        ("", "json"),
        ("*/*", "json"),
        ("application/json", "json"),
        ("image/png", "png"),
        ("IMAGE/PNG", "png"),
        ("image/*", "png"),
        ("image/tiff", "tiff"),
        ("image/jpeg", "overlay-jpeg"),
        ("image/png;view=overlay", "overlay-png"),
        ('image/png; view="overlay"', "overlay-png"),
        ("image/png;q=0.5, image/tiff", "tiff"),
        ("application/json;q=0.1, image/png;q=0.9", "png"),
        ("text/html, */*;q=0.1", "json"),
        ("application/json;q=0, */*", "png"),
    ],
)
def test_the_best_liked_form_is_given(accept, form):
    assert form_for(accept) == form


@pytest.mark.parametrize("accept", ["text/html", "image/webp", "nonsense", "image/png;q=0", ";;;", ","])
def test_what_is_not_offered_is_refused_with_what_is(accept):
    with pytest.raises(Problem, match="application/json, image/png") as refused:
        form_for(accept)
    assert refused.value.status == 406
