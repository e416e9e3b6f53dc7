"""Where pages' commands are run: small files under the names that pages use, and the project beside them.

``python tests/docs/scene.py FOLDER`` makes the files, and a registry in ``$GRATICULE_HOME``.
"""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[2]
LINKED = ("jobs", "serve", "platform", "tests", "docs", "Makefile", "pyproject.toml", "constraints.txt")
COPIED = ("infra", "k8s")
"""A command may write there."""
SIZE, FRAMES = 128, 4


def working_folder(inputs: Path, folder: Path) -> Path:
    """Make a page's working folder: the inputs, and the project."""
    shutil.copytree(inputs, folder)
    for name in LINKED:
        (folder / name).symlink_to(ROOT / name)
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".env"))
    return folder


def prepare(folder: Path) -> None:
    """Write ``inputs``, which every page finds in its working folder, and ``root``, which stands for /."""
    from graticule.core.calibration import Calibration
    from graticule.core.progress import ignore
    from graticule.pipeline.simulate import simulate_experiment
    from graticule.storage.experiment import Experiment
    from labelled_images import labelled_folder
    from microscope_files import mrc

    inputs = folder / "inputs"
    inputs.mkdir()
    truth = inputs / "truth.ome.zarr"
    scale = Calibration(pixel_size_nm=0.5, frame_interval_s=0.5)
    simulate_experiment(
        str(truth), preset="easy", frames=FRAMES, size=SIZE, seed=3, calibration=scale, listener=ignore
    )
    frames = Experiment.open(str(truth)).read_image(0, FRAMES)
    for name in ("movie.mrc", "sintering.mrc"):
        mrc(inputs / name, frames.astype(np.int16), mode=1)
    (inputs / "frames").mkdir()
    for number, frame in enumerate(frames):
        _picture(inputs / "frames" / f"{number}.png", frame)
    for name in ("frame.png", "frame.tif"):
        _picture(inputs / name, frames[0])
    _checkpoint(inputs / "yolov8n-seg.pt")
    for name in ("labelled", "held_back"):
        labelled_folder(inputs / name, size=SIZE, seed=len(name))
    for name in ("labels", "masks"):
        shutil.copytree(inputs / "labelled" / "instances", inputs / name)
    _data(folder / "root" / "data", inputs, frames)


def register_three(folder: Path) -> None:
    """Register three versions of a small network, as trainings would; the second is champion."""
    from graticule.experiments.champion import set_champion
    from graticule.experiments.register import register
    from graticule.experiments.runs import start
    from graticule.training.registering import packaged
    from mlflow_home import begin
    from random_weights import tiny_swin

    begin(Path(os.environ["GRATICULE_HOME"]))
    for seed in range(3):
        weights = tiny_swin(folder / f"{seed}.safetensors", seed=seed)
        register(start("e", "r"), packaged(weights, "swin-unet"), scores={"score": 0.5 + seed / 9})
    set_champion(2)


def _picture(path: Path, frame: np.ndarray) -> None:
    Image.fromarray((frame / frame.max() * 255).astype(np.uint8)).save(path)


def _checkpoint(path: Path) -> None:
    """Write a checkpoint as others publish theirs."""
    import torch

    from graticule.models.architecture import architecture

    made = architecture("yolov8n-seg")
    state = made.build(made.config()).state_dict()
    torch.save({name.removeprefix("network."): value for name, value in state.items()}, path)


def _data(data: Path, inputs: Path, frames: np.ndarray) -> None:
    from microscope_files import dm4

    for name in ("labelled", "held_back", "truth.ome.zarr"):
        shutil.copytree(inputs / name, data / name)
    shutil.copytree(inputs / "frames", data / "au750" / "frames")
    (data / "sintering_800C.dm4").write_bytes(dm4(frames.astype(np.float32), unit="nm", scale=0.5))
    for name in ("movie.mrc", "a.mrc"):
        shutil.copy(inputs / "movie.mrc", data / name)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
    register_three(Path(sys.argv[1]))
