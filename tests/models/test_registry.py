"""Segmenters are made by name, and their weights are pinned where a job begins."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from graticule import models
from graticule.core.errors import ConfigError, InputError, UnknownNameError
from graticule.models.registry import WITHOUT_NETWORK
from graticule.models.weights import weights_sha256
from random_weights import random_weights, tiny_swin

RESOLVED = {"sigma_px": 1, "background_px": None, "polarity": "dark", "min_diameter_px": 3, "margin_px": 64}
LEARNED = sorted(set(models.SEGMENTERS) - set(WITHOUT_NETWORK))
FRAME = np.random.default_rng(0).poisson(50, (64, 64)).astype(np.uint16)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("GRATICULE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path / "home"


@pytest.fixture(scope="module")
def swin(tmp_path_factory) -> Path:
    return tiny_swin(tmp_path_factory.mktemp("weights") / "swin.safetensors")


def test_a_segmenter_is_made_by_name():
    assert models.create("threshold", **RESOLVED).name == "threshold"


def test_the_threshold_is_adapted_and_made_without_anything():
    assert models.create("threshold", **models.adapt("threshold", {}, [FRAME])).name == "threshold"


@pytest.mark.parametrize("name", LEARNED)
def test_every_network_in_the_table_is_adapted_and_made_with_weights(tmp_path, name):
    weights = random_weights(tmp_path / "w.safetensors", name)
    options = models.adapt(name, {"weights": str(weights)}, [FRAME])
    segmenter = models.create(name, **options)
    assert (segmenter.name, segmenter.keeps_state) == (name, True)
    assert segmenter.native_size is not None
    assert options["weights_sha256"] == weights_sha256(name, str(weights))
    assert models.adapt(name, options, [FRAME]) == options
    models.check_weights(name, options)


@pytest.mark.parametrize("name", LEARNED)
def test_a_network_without_weights_says_what_to_give(name, nothing_shipped):
    with pytest.raises(ConfigError, match=rf"{name} ships no weights in this version; give --weights FILE"):
        models.adapt(name, {}, [FRAME])


def test_the_threshold_is_made_without_torch():
    code = f"import sys; from graticule import models; models.create('threshold', **{RESOLVED})\n"
    code += "models.pinned('threshold', {}); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_making_a_segmenter_does_not_read_its_weights():
    assert models.create("swin-unet", weights="/nowhere/w.safetensors").name == "swin-unet"


def test_pinned_weights_are_absolute_and_have_a_digest(swin, monkeypatch):
    monkeypatch.chdir(swin.parent)
    pinned = models.pinned("swin-unet", {"weights": "swin.safetensors", "split": False})
    assert pinned == {
        "weights": str(swin),
        "weights_sha256": weights_sha256("swin-unet", str(swin)),
        "split": False,
    }
    assert models.pinned("swin-unet", pinned) == pinned
    assert models.pinned("threshold", {"sigma_px": 2}) == {"sigma_px": 2}


def test_weights_of_another_digest_are_refused(swin):
    with pytest.raises(InputError, match=r"swin\.safetensors does not hold what it should.*expected 00ff"):
        models.pinned("swin-unet", {"weights": str(swin), "weights_sha256": "00ff"})


def test_what_weights_hold_is_their_identity_not_where_they_lie(swin, tmp_path):
    (tmp_path / "moved").write_bytes(swin.read_bytes())
    other = tiny_swin(tmp_path / "other", seed=1)
    here, moved, changed = (
        models.identity("swin-unet", {"weights": str(path)}) for path in (swin, tmp_path / "moved", other)
    )
    assert here == moved != changed
    assert models.identity("threshold", {}) == {}


def test_an_unknown_segmenter_lists_the_known():
    known = "efficient-sam-ti, swin-unet, threshold, vmamba, yolov8n-seg"
    with pytest.raises(UnknownNameError, match=rf"unknown segmenter 'otsu'; known: {known}"):
        models.create("otsu")


def test_an_unknown_option_lists_the_known():
    with pytest.raises(ConfigError, match=r"no option 'sigma'; known: .*sigma_px"):
        models.create("threshold", sigma=3)


def test_weights_for_the_threshold_are_refused_with_a_reason():
    with pytest.raises(ConfigError, match=r"threshold has no weights; leave --weights out, or choose one of"):
        models.pinned("threshold", {"weights": "w.safetensors"})


def test_an_impossible_value_is_named():
    with pytest.raises(ConfigError, match="sigma_px = -1 cannot be"):
        models.create("threshold", **{**RESOLVED, "sigma_px": -1})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"device": "gpu"}, "device = 'gpu' cannot be: it should be 'auto', 'cpu', 'cuda' or 'cuda:1'"),
        ({"view_px": -3}, "view_px = -3 cannot be: it should be 'auto' or at least 16"),
        ({"prompts": "foo"}, "prompts = 'foo' cannot be: it should be 'proposals' or 'grid'"),
        ({"detector": -1}, "detector = -1 cannot be: it should be options of its own, such as"),
        ({"detector": {"sigma": 1}}, r"no option 'detector\.sigma'; known: background_px"),
        ({"detector": {"sigma_px": -1}}, r"detector\.sigma_px = -1 cannot be: .* at least 0"),
    ],
    ids=str,
)
def test_an_impossible_value_of_a_network_is_named_however_deep_it_lies(options, said):
    with pytest.raises(ConfigError, match=f"segmenter efficient-sam-ti: {said}"):
        models.create("efficient-sam-ti", **options)


def test_an_option_left_open_is_refused():
    with pytest.raises(ConfigError, match="polarity is still 'auto'"):
        models.create("threshold", **{**RESOLVED, "polarity": "auto"})


def test_every_segmenter_has_a_row_with_what_one_must_know():
    rows = {row.name: row for row in models.describe()}
    assert list(rows) == sorted(models.SEGMENTERS)
    assert (rows["threshold"].parameters, rows["threshold"].weights) == (None, "needs none")
    for name in LEARNED:
        row = rows[name]
        assert 1e6 < row.parameters < 2e7
        assert row.native_px in (448, 512, 1024)
        assert row.weights == "builtin"
        assert row.licence
        assert row.source


def test_a_registry_that_does_not_answer_does_not_hide_the_rows(nothing_shipped, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    rows = {row.name: row.weights for row in models.describe()}
    assert rows["swin-unet"] == "none shipped, registry does not answer"
