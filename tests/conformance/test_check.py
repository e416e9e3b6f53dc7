import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from conformance.check import main, relative_error
from conformance.files import read_keys
from conformance.fill import filled, uniform
from conformance.states import load_published
from graticule.models.architecture import architecture

CHECK = Path(__file__).with_name("check.py")


@pytest.fixture
def vectors(shared_data):
    return shared_data.parent / "conformance"


@pytest.fixture
def check(capsys):
    """Run the program here; return its exit code and what it said."""

    def run(*arguments: object) -> tuple[int, str]:
        code = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


def started(*arguments: object) -> tuple[int, str]:
    """Run the program as its user does, which takes seconds longer."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, CHECK, *map(str, arguments)], capture_output=True, text=True, env=environment
    )
    return done.returncode, done.stdout + done.stderr


def copied(vectors: Path, folder: Path, name: str, **changed: np.ndarray) -> Path:
    """Write a copy of one vector in which some arrays are others."""
    with np.load(vectors / f"{name}.npz") as arrays:
        np.savez(folder / f"{name}.npz", **{**arrays, **changed})
    return folder


def test_the_error_is_relative_to_the_spread_of_what_is_stored():
    stored = np.array([1.0, 3.0])
    assert relative_error(np.array([1.0, 3.1]), stored) == pytest.approx(0.1 / 2**0.5)
    assert relative_error(np.ones(2), np.ones(2)) == 0
    assert relative_error(np.zeros(2), np.ones(2)) == float("inf")


def test_what_is_filled_depends_on_tag_and_name():
    assert filled("a", "x.weight", (3,)).tolist() == filled("a", "x.weight", (3,)).tolist()
    assert filled("a", "x.weight", (3,)).tolist() != filled("b", "x.weight", (3,)).tolist()
    assert (filled("a", "x.running_var", (50,)) >= 1).all()
    assert 0 <= uniform("a", "x", (50,)).min() < uniform("a", "x", (50,)).max() < 1


@pytest.mark.shared_data
def test_ours_is_filled_as_the_vectors_were(vectors):
    theirs: dict = {}
    exec((vectors / "fill.py").read_text(), theirs)
    for key, shape in (
        ("a.weight", (4,)),
        ("a.bias", (4,)),
        ("a.weight", (4, 2, 3)),
        ("a.running_var", (4,)),
    ):
        assert np.array_equal(filled("b", key, shape), theirs["filled"]("b", key, shape))
    assert np.array_equal(uniform("b", "image", (2, 3)), theirs["uniform"]("b", "image", (2, 3)))


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "arrays"),
    [
        ("swin_unet", ["logits"]),
        (
            "selective_scan",
            [
                f"{array} [{backend}]"
                for backend in ("sequential", "chunked", "compiled")
                for array in ("y", "last_state")
            ],
        ),
    ],
)
def test_each_array_has_a_line(vectors, name, arrays):
    code, said = started(vectors, "--tag", "a", "--only", name)
    assert code == 0, said
    assert [line.rpartition(" ")[2] for line in said.splitlines()] == ["pass"] * len(arrays)
    assert [line[:40].strip() for line in said.splitlines()] == [f"{name}/{array}" for array in arrays]


@pytest.mark.shared_data
@pytest.mark.slow
def test_our_networks_compute_what_the_published_ones_do(vectors):
    code, said = started(vectors, "--tag", "a")
    assert code == 0, said
    for name in (
        "efficient_sam_ti/embedding",
        "efficient_sam_ti/logits",
        "efficient_sam_ti/iou",
        "vm_unet_v2/logit",
    ):
        assert f"{name} " in said


@pytest.mark.shared_data
def test_a_network_we_do_not_have_is_absent_and_fails_nothing(check, vectors, tmp_path):
    shutil.copy(vectors / "selective_scan.npz", tmp_path / "transmuter.npz")
    code, said = check(tmp_path, "--tag", "a")
    assert (code, said.split()) == (0, ["transmuter", "absent"])


@pytest.mark.shared_data
def test_other_sizes_and_another_tag_are_checked_alike(check, vectors, tmp_path):
    shape = (1, 3, 224, 448)
    network = load_published(architecture("swin-unet"), read_keys(vectors / "swin_unet.keys.json"), "b")
    with torch.inference_mode():
        answer = network(torch.from_numpy(uniform("b", "swin_unet/image", shape)))[..., ::4, ::4]
    copied(vectors, tmp_path, "swin_unet", logits=answer.numpy(), shape=np.array(shape))
    assert check(tmp_path, "--tag", "b", "--keys", vectors)[0] == 0
    assert check(tmp_path, "--tag", "a", "--keys", vectors)[0] == 1


@pytest.mark.shared_data
@pytest.mark.parametrize("wrong", ["value", "nan", "shape"])
def test_a_stored_array_that_differs_fails(check, vectors, tmp_path, wrong):
    with np.load(vectors / "selective_scan.npz") as arrays:
        y = arrays["y"]
    other = {"value": y + 0.01 * y.std() * (y > 0), "nan": np.where(y > y.mean(), y, np.nan), "shape": y[:1]}[
        wrong
    ]
    code, said = check(copied(vectors, tmp_path, "selective_scan", y=other), "--tag", "a")
    assert code == 1
    lines = {line[:40].strip(): line for line in said.splitlines()}
    assert lines["selective_scan/y [chunked]"].endswith("fail")
    assert lines["selective_scan/last_state [chunked]"].endswith("pass")


@pytest.mark.shared_data
def test_a_network_that_cannot_be_loaded_or_run_fails_in_one_line(check, vectors, tmp_path):
    copied(vectors, tmp_path, "swin_unet", shape=np.array([1, 3, 100, 100]))
    code, said = check(tmp_path, "--tag", "a", "--keys", vectors)
    assert code == 1
    assert len(said.splitlines()) == 1
    assert "multiples of 224" in said
    assert said.rstrip().endswith("fail")


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "swin_unet.keys.json").unlink(), "swin_unet.keys.json is missing"),
        (lambda folder: (folder / "swin_unet.keys.json").write_text("[1"), "no list of key"),
        (
            lambda folder: (folder / "swin_unet.keys.json").write_text('{"a": ["int3", [1]]}'),
            "unknown dtype 'int3'",
        ),
        (lambda folder: (folder / "swin_unet.npz").write_bytes(b"PK\x03\x04"), "no vector that can be read"),
        (lambda folder: (folder / "swin_unet.npz").write_bytes(b""), "no vector that can be read"),
        (lambda folder: np.savez(folder / "swin_unet.npz", logits=np.ones(3)), "holds no array 'shape'"),
        (
            lambda folder: np.savez(folder / "swin_unet.npz", shape=np.array([1, 3, 224, 224])),
            "no array 'logits'",
        ),
        (lambda folder: (folder / "swin_unet.npz").unlink(), "holds no vectors"),
        (shutil.rmtree, "is no folder"),
    ],
)
def test_missing_and_invalid_files_are_told_in_one_line(check, vectors, tmp_path, spoil, said):
    folder = tmp_path / "vectors"
    folder.mkdir()
    for name in ("swin_unet.npz", "swin_unet.keys.json"):
        shutil.copyfile(vectors / name, folder / name)
    spoil(folder)
    code, output = check(folder, "--tag", "a")
    assert code == 2, output
    assert len(output.splitlines()) == 1
    assert said in output


@pytest.mark.shared_data
def test_a_vector_that_is_not_there_is_told_with_those_that_are(check, vectors):
    code, said = check(vectors, "--tag", "a", "--only", "swin")
    assert code == 2
    assert "'swin'" in said
    assert "swin_unet" in said
