"""Images shared out on Ray are scored as in one process."""

import pytest

from graticule.training.comparison.apart import here
from graticule.training.comparison.entrants import entrants_of
from graticule.training.comparison.images import image_set
from graticule.training.comparison.labels import kept_labels
from graticule.training.comparison.measure import Work
from graticule.training.distributed.comparing import CompareOnRay
from graticule.training.sources import open_source
from labelled_images import labelled_folder
from local_ray import local_ray
from threads import one_thread  # noqa: F401


@pytest.fixture(scope="module")
def works(tmp_path_factory):
    data = labelled_folder(tmp_path_factory.mktemp("labelled") / "set")
    entrants = entrants_of(["vmamba=/nowhere/x.safetensors"])
    sets = (image_set(open_source(str(data)), made=1),)
    return [
        Work(entrant=each, sets=sets, polarity="dark", keep=tmp_path_factory.mktemp("keep"))
        for each in entrants
    ]


def test_workers_give_the_scores_and_labels_of_one_process(works):
    [alone] = here(works[:1])
    own = labels_in(works[0].keep)
    for path in works[0].keep.iterdir():
        path.unlink()
    with local_ray():
        [shared, broken] = CompareOnRay(workers=2)(works)
    assert [s.metrics for s in shared.scores[0]] == [s.metrics for s in alone.scores[0]]
    assert shared.memory_bytes is not None
    assert all(image.seconds > 0 for image in shared.scores[0])
    assert "/nowhere/x.safetensors" in broken.trouble
    assert labels_in(works[0].keep) == own


def labels_in(keep):
    return {path.name: kept_labels_of(path) for path in keep.iterdir()}


def kept_labels_of(path):
    number, _, place = path.stem.partition("-")
    return kept_labels(path.parent, number=int(number), place=int(place)).tolist()
