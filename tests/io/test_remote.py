"""Movies in an object store: a real S3 server on a free port."""

import boto3
import numpy as np
import pytest
import tifffile
import zarr
from moto.server import ThreadedMotoServer

from graticule.core.errors import InputError
from graticule.io import expand_inputs, open_movie
from graticule.io.digest import input_digest

FRAMES = np.random.default_rng(6).integers(0, 200, (5, 20, 30)).astype(np.uint8)


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    """A bucket that holds a stack, a folder of pictures and an OME-Zarr image."""
    local = tmp_path_factory.mktemp("bucket")
    tifffile.imwrite(local / "plain.tif", FRAMES, photometric="minisblack")
    tifffile.imwrite(local / "coded.tif", FRAMES, photometric="minisblack", compression="zlib")
    (local / "pictures").mkdir()
    for index, frame in enumerate(FRAMES):
        tifffile.imwrite(local / "pictures" / f"frame{index + 8}.tif", frame)
    group = zarr.open_group(local / "a.ome.zarr", mode="w")
    axes = [{"name": name, "type": "space"} for name in "tyx"]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": [{"path": "0"}]}]}
    group.create_array("0", data=FRAMES, chunks=(2, 20, 30))
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            patch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket="movies")
        for file in local.rglob("*"):
            if file.is_file():
                client.upload_file(str(file), "movies", file.relative_to(local).as_posix())
        yield "s3://movies"
    server.stop()


@pytest.mark.parametrize("name", ["plain.tif", "coded.tif", "pictures", "a.ome.zarr"])
def test_movies_in_a_bucket_are_read(bucket, name):
    movie = open_movie(f"{bucket}/{name}")
    assert movie.shape == FRAMES.shape
    np.testing.assert_array_equal(movie.read(1, 4), FRAMES[1:4])
    assert input_digest(movie) == input_digest(open_movie(f"{bucket}/{name}"))


def test_what_is_not_in_the_bucket_is_named(bucket):
    with pytest.raises(InputError, match=r"movies/none\.tif: no such file"):
        open_movie(f"{bucket}/none.tif")


def test_globs_of_urls_are_expanded(bucket):
    assert expand_inputs([f"{bucket}/*.tif"]) == [f"{bucket}/coded.tif", f"{bucket}/plain.tif"]
