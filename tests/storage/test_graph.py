import geff
import networkx as nx
import numpy as np
import pytest

from graticule.core.calibration import Calibration
from graticule.core.errors import ExperimentError
from graticule.storage.schemas import table_schema
from stored import digest, particles

EDGES = np.array([[0, 2], [1, 2], [2, 3]])


def test_nodes_and_edges_come_back(make):
    experiment = make()
    experiment.write_graph(nodes=particles(4), edges=EDGES)
    nodes, edges = experiment.read_graph()
    np.testing.assert_array_equal(edges, EDGES)
    assert set(nodes) == {"particle", "t", "y", "x", "track", "area"}
    np.testing.assert_array_equal(nodes["particle"], np.arange(4))
    np.testing.assert_array_equal(nodes["y"], np.arange(4.0))


def test_others_read_the_graph_with_its_merge(make):
    experiment = make()
    experiment.write_graph(nodes=particles(4), edges=EDGES)
    geff.validate_structure(experiment.path("tracks.geff"))
    graph, about = geff.read(experiment.path("tracks.geff"), backend="networkx")
    assert isinstance(graph, nx.DiGraph)
    assert graph.in_degree(2) == 2
    assert [(axis.name, axis.unit, axis.scale, axis.scaled_unit) for axis in about.axes] == [
        ("t", "frame", 0.25, "second"),
        ("y", "pixel", 0.5, "nanometer"),
        ("x", "pixel", 0.5, "nanometer"),
    ]


def test_an_uncalibrated_graph_has_no_scale(make):
    experiment = make(calibration=Calibration())
    experiment.write_graph(nodes=particles(4, calibrated=False), edges=EDGES)
    _, about = geff.read(experiment.path("tracks.geff"), backend="networkx")
    assert [axis.scaled_unit for axis in about.axes] == [None, None, None]


def test_an_empty_graph_can_be_kept(make):
    experiment = make()
    nodes = table_schema("particles", calibrated=True).empty_table()
    experiment.write_graph(nodes=nodes, edges=np.empty((0, 2), np.int64))
    nodes, edges = experiment.read_graph()
    assert edges.shape == (0, 2)
    assert nodes["particle"].shape == (0,)


def test_a_graph_of_many_nodes_has_the_same_bytes_each_time(make):
    experiment, rows = make(), 1_200_000  # more than one chunk
    edges = np.stack([np.arange(rows - 1), np.arange(1, rows)], axis=1)
    experiment.write_graph(nodes=particles(rows), edges=edges)
    before = digest(experiment.path("tracks.geff"))
    experiment.write_graph(nodes=particles(rows), edges=edges)
    assert digest(experiment.path("tracks.geff")) == before


def test_a_graph_without_its_metadata_is_none(make):
    experiment = make()
    experiment.write_graph(nodes=particles(4), edges=EDGES)
    with experiment.open_file("tracks.geff/zarr.json", "w") as file:  # as a killed writer leaves it
        file.write('{"zarr_format": 3, "node_type": "group", "attributes": {}}')
    with pytest.raises(ExperimentError, match=r"tracks\.geff: not there yet"):
        experiment.read_graph()


def test_only_zarr_v3_is_written(make):
    experiment = make()
    experiment.write_graph(nodes=particles(4), edges=EDGES)
    assert not {".zgroup", ".zarray", ".zattrs"} & {name.split("/")[-1] for name in digest(experiment.root)}


def test_an_edge_to_nobody_is_refused(make):
    with pytest.raises(ValueError, match=r"edge \[2, 9\]"):
        make().write_graph(nodes=particles(4), edges=np.array([[0, 1], [2, 9]]))
