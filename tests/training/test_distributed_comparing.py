"""Images shared out on Ray are scored as in one process."""

from pathlib import Path

import numpy as np
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


def test_workers_give_the_scores_and_labels_of_one_process(works, tmp_path):
    [alone, _] = here(works)
    own = {path.name: path.read_bytes() for path in Path(works[0].keep).iterdir()}
    for path in Path(works[0].keep).iterdir():
        path.unlink()
    with local_ray():
        [shared, broken] = CompareOnRay(workers=2)(works)
    assert [s.metrics for s in shared.scores[0]] == [s.metrics for s in alone.scores[0]]
    assert shared.memory_bytes is not None
    assert all(image.seconds > 0 for image in shared.scores[0])
    assert "/nowhere/x.safetensors" in broken.trouble
    for name in own:
        number, _, place = Path(name).stem.partition("-")
        assert np.any(kept_labels(works[0].keep, number=int(number), place=int(place)))
    assert {path.name for path in Path(works[0].keep).iterdir()} == set(own)
