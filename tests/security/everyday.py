"""What a laboratory does in a day, in small: run as a process of its own, watched. Says its steps."""

import json
import os
import sys
from pathlib import Path

import psutil

from graticule.cli import main
from graticule.pipeline.session import ray_session


def graticule(*arguments: object) -> None:
    print("$ graticule", arguments[0], flush=True)
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as ended:
        if ended.code:
            raise AssertionError(f"graticule {arguments[0]} ended with {ended.code}") from None


def listening() -> list[tuple[str, int, str]]:
    """Return address, port and name of everything this process and its children listen at."""
    me = psutil.Process()
    return [
        (place.laddr.ip, place.laddr.port, " ".join(process.cmdline())[:80])
        for process in (me, *me.children(recursive=True))
        for place in process.net_connections("inet")
        if place.status == psutil.CONN_LISTEN
    ]


def endpoint(image: bytes) -> None:
    from fastapi.testclient import TestClient

    from endpoint import SMALL
    from serve.local import local_api

    print("$ python -m serve.local", flush=True)
    with TestClient(local_api(SMALL)) as client:
        answer = client.post("/v1/segment", files={"image": ("a.png", image)}, data={"pixel_size_nm": "0.5"})
        assert answer.status_code == 200, answer.text


def day(root: Path, movie: str, weights: str) -> None:
    """Work with files below ``root``, and a movie and weights from elsewhere."""
    truth, experiment, out = root / "truth.ome.zarr", root / "found.ome.zarr", root / "trained"
    using = ["--segmenter", "swin-unet", "--weights", weights]
    graticule("simulate", truth, "--preset", "easy", "--frames", 4, "--size", 64)
    with ray_session(workers=2):
        graticule("track", movie, "--out", experiment, *using, "--frames", "0:3")
        (root / "listening.json").write_text(json.dumps(listening()))
        graticule(
            "train", "--model", "vmamba", "--data", root / "labelled", "--out", out, *TINY, "--workers", 1
        )
    graticule("export", experiment, root / "csv", "--to", "csv")
    graticule("export", experiment, root / "tiff", "--to", "tiff")
    registered = ["--segmenter", "vmamba", "--weights", "models:/graticule-segmenter/1"]
    graticule("segment", root / "labelled" / "images", "--out", root / "labels", *registered)
    endpoint((root / "labelled" / "images" / "0.png").read_bytes())


TINY = [
    *("--epochs", 2, "--steps", 2, "--batch", 2, "--size", 32, "--start", "random", "--set", "warmup=1"),
    *("--set", "config.dims=[8,16,32,64]", "--set", "config.depths=[1,1,1]"),
    *("--set", "config.mid=4", "--set", "config.d_state=2"),
]

if __name__ == "__main__":
    day(Path(os.environ["GRATICULE_WATCHED"]), *sys.argv[1:])
