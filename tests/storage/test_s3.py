"""The same experiment on a real S3 server, over http."""

import pickle

import numpy as np
import pytest

from graticule.core.errors import ExperimentError, StorageError
from graticule.storage import codecs
from graticule.storage.experiment import Experiment
from stored import particles


def test_an_experiment_lives_in_a_bucket(make, bucket, movie, discs):
    root = f"{bucket}/lab/movie.ome.zarr"
    assert Experiment.is_vacant(root)
    experiment = make(root)
    assert Experiment.exists(root)
    experiment.write_image(0, movie)
    experiment.create_labels("tracks")
    experiment.write_labels("tracks", 0, discs)
    for which in ("image", "tracks"):
        experiment.build_pyramid(which)
    experiment.write_table("particles", particles(4))
    experiment.write_graph(nodes=particles(4), edges=np.array([[0, 1]]))
    again = pickle.loads(pickle.dumps(Experiment.open(root)))
    np.testing.assert_array_equal(again.read_image(0, 20), movie)
    np.testing.assert_array_equal(again.read_labels("tracks", 3, 5), discs[3:5])
    assert again.levels("image") == again.levels("tracks") == 2
    assert again.read_table("particles").equals(particles(4))
    assert again.read_graph()[1].tolist() == [[0, 1]]
    make(root)  # the same again: opens it


def test_marks_are_kept_and_listed_in_a_bucket(make, bucket):
    run = make(f"{bucket}/e").run("a")
    run.start({"tile": 512}, {})
    for number in range(5):
        run.mark(f"w{number}", {"count": np.array([number])})
    assert run.marked() == {f"w{number}" for number in range(5)}
    assert run.result("w3")["count"].tolist() == [3]
    assert make(f"{bucket}/e").runs() == ["a"]


def test_parts_and_whole_experiments_are_removed_from_a_bucket(make, bucket, discs):
    experiment = make(f"{bucket}/e")
    experiment.create_labels("instances")
    experiment.write_labels("instances", 0, discs)
    experiment.remove("labels/instances")
    assert experiment.levels("instances") == 0
    experiment.delete()
    assert Experiment.is_vacant(f"{bucket}/e")


def test_a_failing_block_uploads_nothing(make, bucket):
    experiment = make(f"{bucket}/e")
    with experiment.open_file("report/index.html", "w") as file:
        file.write("old")
    with pytest.raises(UnicodeEncodeError), experiment.open_file("report/index.html", "w") as file:
        file.write("half, then a lone surrogate \udc80")
    with experiment.open_file("report/index.html", "r") as file:
        assert file.read() == "old"


def test_zarrs_own_pipeline_codes_for_a_bucket(make, bucket):
    experiment = make(f"{bucket}/e")
    array = codecs.open_array(experiment.place.zarr_store(), "0", write=True)
    assert codecs.pipeline_in_use(array) == "zarr"


def test_a_prefix_of_other_things_is_refused(make, bucket):
    import boto3

    boto3.client("s3").put_object(Bucket=bucket.removeprefix("s3://"), Key="e/notes.txt", Body=b"mine")
    with pytest.raises(ExperimentError, match="no graticule experiment"):
        make(f"{bucket}/e")


def test_a_bucket_that_is_not_there_is_named(make, bucket):
    with pytest.raises(StorageError, match=r"^s3://nobody-made-this/e: the bucket does not exist") as caught:
        make("s3://nobody-made-this/e")
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_server_that_does_not_answer_is_told_in_one_line(make, bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(StorageError, match="did not answer") as caught:
        Experiment.open("s3://some/e")
    assert "\n" not in str(caught.value)
