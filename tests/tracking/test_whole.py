import numpy as np

from graticule.core.lineage import Carried, Lineage
from graticule.tracking.whole import painted


def test_carried_particles_are_painted_beside_the_instances():
    instances = np.array([[[1, 1, 0, 0], [0, 0, 0, 2]]], np.uint32)
    lineage = Lineage(
        frame=np.array([5, 5, 5]),
        label=np.array([1, 2, 2**31], np.uint32),
        track=np.array([30, 10, 20]),
        drift_px=np.zeros((1, 2)),
        events=(),
        carried=Carried(
            frame=np.array([5]), label=np.array([2**31], np.uint32), start=np.array([4]), stop=np.array([6])
        ),
    )
    assert painted(instances, lineage, first=5).tolist() == [[[30, 30, 0, 0], [20, 20, 0, 10]]]


def test_what_the_lineage_leaves_out_is_background():
    instances = np.array([[[1, 2]]], np.uint32)
    lineage = Lineage(
        frame=np.array([0]),
        label=np.array([2], np.uint32),
        track=np.array([7]),
        drift_px=np.zeros((1, 2)),
        events=(),
    )
    assert painted(instances, lineage).tolist() == [[[0, 7]]]
