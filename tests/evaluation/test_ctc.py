import itertools

import networkx as nx
import numpy as np
import pytest

from cases.errors import ERRORS, MERGED, ONE_OF_TWO, ErrorCase, events
from graticule.core.errors import InputError
from graticule.core.lineage import Event
from graticule.evaluation.ctc import CtcForm, ctc_form, ctc_scores
from graticule.evaluation.meetings import meetings

SEEN = np.array([(0, 7, 5), (0, 8, 9), (1, 7, 5), (1, 8, 9), (2, 9, 14), (4, 9, 14)])
MERGE = Event(
    kind="merge", frame=2, parents=(7, 8), children=(9,), y_px=0.0, x_px=0.0, at_border=False, confidence=1.0
)


def test_a_child_follows_its_largest_parent_and_a_gap_makes_a_child():
    form = ctc_form(SEEN, [MERGE])
    assert form.table.tolist() == [[1, 0, 1, 0], [2, 0, 1, 0], [3, 2, 2, 2], [4, 4, 4, 3]]
    assert form.name.tolist() == [1, 2, 1, 2, 3, 4]
    assert form.links == 4


def test_an_event_of_nobody_is_refused():
    with pytest.raises(InputError, match="track 9, which is seen in no frame"):
        ctc_form(SEEN[:4], [MERGE])


def graph(form: CtcForm, seen: np.ndarray) -> nx.DiGraph:
    """The same graph as traccuracy takes it."""
    found = nx.DiGraph()
    for node, ((frame, track, _), name) in enumerate(zip(seen.tolist(), form.name, strict=True)):
        found.add_node(node, t=frame, y=0, x=0, segmentation_id=track, name=name)
    last = {}
    for name, first, _, parent in form.table.tolist():
        nodes = [node for node, about in found.nodes.items() if about["name"] == name]
        nodes.sort(key=lambda node: found.nodes[node]["t"])
        found.add_edges_from(itertools.pairwise(nodes))
        if parent:
            found.add_edge(last[parent], nodes[0])
        last[name] = nodes[-1]
        assert found.nodes[nodes[0]]["t"] == first
    return found


def by_traccuracy(case: ErrorCase) -> dict[str, float]:
    from traccuracy import TrackingGraph
    from traccuracy.matchers import CTCMatcher
    from traccuracy.metrics import CTCMetrics

    met = meetings(case.frames())
    pixels = [np.stack(side) for side in zip(*case.frames(), strict=True)]
    truth, predicted = (
        TrackingGraph(graph(ctc_form(seen, events(drawn)), seen), labels, location_keys=("y", "x"))
        for seen, drawn, labels in zip(
            (met.truth_seen, met.predicted_seen), (case.truth, case.predicted), pixels, strict=True
        )
    )
    return CTCMetrics().compute(CTCMatcher().compute_mapping(truth, predicted)).results


@pytest.mark.parametrize("case", [case for case in ERRORS if case.truth is not MERGED], ids=str)
def test_traccuracy_finds_the_same_instances(case):
    met = meetings(case.frames())
    ours = ctc_scores(met, truth=events(case.truth), predicted=events(case.predicted))
    assert by_traccuracy(case)["DET"] == pytest.approx(ours.det)


@pytest.mark.parametrize(
    "case", [case for case in ERRORS if not case.truth.events + case.predicted.events], ids=str
)
def test_traccuracy_finds_the_same_links_where_nobody_has_parents(case):
    met = meetings(case.frames())
    ours, theirs = ctc_scores(met, truth=[], predicted=[]), by_traccuracy(case)
    assert (theirs["LNK"], theirs["TRA"]) == pytest.approx((ours.lnk, ours.tra))


def test_one_that_covers_two_is_split_once():
    scores = ctc_scores(meetings(ONE_OF_TWO.frames()), truth=[], predicted=[])
    assert scores.det == pytest.approx(1 - 5 / 80)
