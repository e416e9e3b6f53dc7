"""``graticule models``: the table, and weights made ready for use."""

import argparse

import pytest
import torch

from graticule import models
from graticule.tracking import TRACKERS


def test_the_table_has_a_line_per_segmenter_and_names_the_trackers(graticule):
    status, out, _ = graticule("models")
    lines = out.splitlines()
    assert status == 0
    assert lines[0].split("  ")[0] == "name"
    assert [line.split()[0] for line in lines[1 : 1 + len(models.SEGMENTERS)]] == sorted(models.SEGMENTERS)
    assert [line.split() for line in lines[-4:]] == [["tracker", name] for name in sorted(TRACKERS)]
    assert any("448 px" in line and "builtin" in line for line in lines if line.startswith("swin-unet"))


def test_a_checkpoint_with_pickled_objects_is_refused_without_trust(graticule, tmp_path):
    torch.save({"model": {}, "args": argparse.Namespace(lr=1)}, tmp_path / "a.pt")
    status, _, err = graticule("models", "convert", tmp_path / "a.pt")
    assert status == 1
    assert err.strip() == (
        f"graticule: error: {tmp_path}/a.pt holds pickled Python objects, which could run code;"
        f" if you trust where it comes from: graticule models convert {tmp_path}/a.pt --trust"
    )


def test_converting_says_where_the_weights_lie(graticule, tmp_path):
    from graticule.models.architecture import architecture

    state = architecture("yolov8n-seg").build(architecture("yolov8n-seg").config()).state_dict()
    torch.save({name.removeprefix("network."): value for name, value in state.items()}, tmp_path / "a.pt")
    status, out, err = graticule("models", "convert", tmp_path / "a.pt", "--out", tmp_path / "b.safetensors")
    assert (status, out) == (0, f"weights: {tmp_path}/b.safetensors\n"), err
    assert (tmp_path / "b.safetensors").exists()


def test_a_network_that_is_not_known_lists_the_known(graticule, tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "a.pt")
    status, _, err = graticule("models", "convert", tmp_path / "a.pt", "--network", "resnet")
    assert status == 1
    assert "unknown network 'resnet'; known: deaot-t, efficient-sam-ti" in err


@pytest.mark.parametrize("arguments", [("models", "convert"), ("models", "konvert")])
def test_wrong_usage_is_one_line_and_status_2(graticule, arguments):
    status, _, err = graticule(*arguments)
    assert status == 2
    assert "--help" in err
