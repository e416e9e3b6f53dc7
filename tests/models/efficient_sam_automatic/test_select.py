import numpy as np
import pytest
import torch

from graticule.models.efficient_sam.automatic.candidate import Lattice
from graticule.models.efficient_sam.automatic.prompts import Prompts
from graticule.models.efficient_sam.automatic.select import Criteria, Scene, chosen, stability
from graticule.models.efficient_sam.network import Chunk

SIZE = 64
LATTICE = Lattice(top=0, left=0, step=1.0, size=SIZE)


def disc(y, x, radius, *, slope=2.0):
    rows, columns = np.indices((SIZE, SIZE))
    return torch.tensor(slope * (radius - np.hypot(rows - y, columns - x)), dtype=torch.float32)


def scene(*dark, cuts=(False,) * 4):
    grey = np.ones((SIZE, SIZE), np.float32)
    for y, x, radius in dark:
        grey[disc(y, x, radius).numpy() > 0] = 0.2
    return Scene(lattice=LATTICE, grey=grey, cuts=cuts)


def pick(masks, *, points=((30, 30),), iou=None, seen=None, **criteria):
    """What is chosen of (query, logits) pairs."""
    chunk = Chunk(
        query=torch.tensor([query for query, _ in masks]),
        mask=torch.arange(len(masks)) % 3,
        iou=torch.tensor(iou or [0.9] * len(masks)),
        logits=torch.stack([logits for _, logits in masks]),
    )
    prompts = Prompts(
        points=np.array(points, np.float32)[:, None], labels=(1,), order=np.arange(len(points)) + 100
    )
    asked = {"predicted_iou": 0.7, "stability": 0.9, "min_diameter_px": 3.0, **criteria}
    return chosen(chunk, prompts, seen or scene((30, 30, 10)), Criteria(**asked))


def test_a_good_mask_is_cut_out_with_a_rim():
    [found] = pick([(0, disc(30, 30, 10))])
    assert (found.corner, found.mask.shape, found.order) == ((18, 18), (25, 25), 300)
    assert found.area == int((disc(30, 30, 10) > 0).sum())
    assert np.array_equal(found.mask, found.logits > 0)


def test_all_good_masks_of_all_prompts_go_on_in_order():
    masks = [(0, disc(30, 30, 9)), (0, disc(30, 30, 10)), (1, disc(30, 30, 10))]
    found = pick(masks, points=[(30, 30), (33, 30)], iou=[0.8, 0.9, 0.7])
    assert [candidate.score for candidate in found] == pytest.approx([0.8, 0.9, 0.7])
    assert [candidate.order for candidate in found] == [300, 301, 305]


@pytest.mark.parametrize(("masks", "criteria"), [
    ([(0, disc(30, 30, 10, slope=0.1))], {}),
    ([(0, disc(30, 30, 40))], {}),
    ([(0, disc(30, 30, 2))], {"min_diameter_px": 12.0}),
    ([(0, disc(10, 10, 8))], {}),
], ids=["unsteady", "too large", "too small", "beside its point"])  # fmt: skip
def test_masks_that_cannot_be_particles_are_refused(masks, criteria):
    assert pick(masks, **criteria) == []


def test_the_light_gap_between_particles_is_refused():
    ring = scene(*((30 + 14 * np.sin(a), 30 + 14 * np.cos(a), 6) for a in np.arange(0, 6.28, 0.4)))
    assert pick([(0, disc(30, 30, 7))], seen=ring) == []


def test_a_thin_particle_among_thicker_ones_is_kept_where_background_is_seen_too():
    seen = scene((30, 30, 10), (30, 50, 10), (12, 30, 8))
    seen.grey[disc(30, 30, 10).numpy() > 0] = 0.6
    assert len(pick([(0, disc(30, 30, 10))], seen=seen)) == 1


def test_what_lies_apart_from_the_particle_is_not_part_of_it():
    [found] = pick([(0, torch.maximum(disc(30, 30, 10), disc(55, 55, 5)))])
    assert found.mask.shape == (25, 25)


@pytest.mark.parametrize(
    ("cuts", "cut"), [((False, False, True, False), True), ((True, True, False, True), False)]
)
def test_a_mask_is_cut_where_it_reaches_an_edge_at_which_the_patch_goes_on(cuts, cut):
    [found] = pick([(0, disc(30, 3, 10))], points=[(30, 3)], seen=scene((30, 3, 10), cuts=cuts))
    assert found.cut is cut


def test_stability_is_the_ratio_of_areas_at_two_levels_of_a_large_mask():
    logits = disc(32, 32, 25, slope=0.2)[None]
    inner, outer = (float((logits > level).sum()) for level in (1, -1))
    assert inner / outer < float(stability(logits)) < inner / outer + 0.05


def test_a_small_sharp_mask_is_steady_and_an_empty_one_is_not():
    assert float(stability(disc(30, 30, 2.5)[None])) == 1.0
    assert float(stability(disc(30, 30, -9.0)[None])) == 0.0
