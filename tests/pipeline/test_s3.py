"""The whole pipeline with movie and experiment in a bucket."""

from pathlib import Path

import boto3
import fsspec
import pytest

from graticule.core.errors import ExperimentError
from graticule.core.progress import ignore
from graticule.pipeline.in_process import run_in_process
from graticule.pipeline.settings import SegmentSettings, TrackSettings
from graticule.pipeline.single import export_experiment
from graticule.pipeline.track import Tracked, track_movie
from movies import sintering_tiff
from trees import digests

RESULT = ("0", "1", "labels", "tables", "tracks.geff")


def track(source: object, out: object, settings: TrackSettings = TrackSettings(), **options) -> Tracked:
    how = {"execute": run_in_process, "listener": ignore, **options}
    return track_movie(str(source), str(out), settings, **how)


def downloaded(url: str, folder: Path) -> Path:
    store = fsspec.filesystem("s3", use_listings_cache=False)
    prefix = url.removeprefix("s3://")
    for key in store.find(prefix):
        file = folder / key.removeprefix(prefix).lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(store.cat_file(key))
    return folder


@pytest.fixture
def movie(tmp_path) -> Path:
    return sintering_tiff(tmp_path / "movie.tif", frames=6, size=300)


@pytest.mark.slow
def test_a_movie_in_a_bucket_is_tracked_into_a_bucket_as_on_a_disk(movie, bucket, tmp_path):
    boto3.client("s3").upload_file(str(movie), bucket.removeprefix("s3://"), "in/movie.tif")
    source, out = f"{bucket}/in/movie.tif", f"{bucket}/out/movie.ome.zarr"
    local = tmp_path / "local.ome.zarr"
    tiled = TrackSettings(segment=SegmentSettings(tile=160))
    assert track(source, out, tiled).worked
    track(movie, local, tiled)
    remote = downloaded(out, tmp_path / "remote.ome.zarr")
    pixels = digests(local, RESULT)
    assert digests(remote, RESULT) == pixels
    assert (remote / "report" / "overlay.mp4").read_bytes()[4:8] == b"ftyp"
    assert "<html" in (remote / "report" / "index.html").read_text()

    assert not track(source, out, tiled).worked
    with pytest.raises(ExperimentError, match=r"tile was 160, now None.*--overwrite"):
        track(source, out)

    written = export_experiment(out, "csv", f"{bucket}/csv")
    assert written == [f"{bucket}/csv/{name}.csv" for name in ("particles", "tracks", "events", "frames")]

    assert track(source, out, overwrite=True).worked
    replaced = downloaded(out, tmp_path / "replaced.ome.zarr")
    assert digests(replaced, RESULT) == pixels
