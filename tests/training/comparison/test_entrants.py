import json

import pytest

from graticule.core.errors import ConfigError, UnknownNameError
from graticule.training.comparison import entrants_of


def named(*texts):
    return [(entrant.network, entrant.weights) for entrant in entrants_of(texts)]


def test_the_threshold_is_always_first_and_only_once():
    assert named("threshold,threshold") == [("threshold", None)]
    assert named("swin-unet=a.safetensors")[0] == ("threshold", None)


def test_a_network_by_itself_means_its_builtin_weights():
    assert named("vmamba") == [("threshold", None), ("vmamba", "builtin")]


def test_a_network_with_weights_has_those():
    assert named("vmamba=/a/b.pt, swin-unet=/c.safetensors")[1:] == [
        ("vmamba", "/a/b.pt"),
        ("swin-unet", "/c.safetensors"),
    ]


def test_the_same_weights_take_part_once():
    assert len(named("vmamba=/a.pt", "vmamba=/a.pt")) == 2


def test_equal_file_names_are_told_apart():
    entrants = entrants_of(["vmamba=/a/x.pt", "vmamba=/b/x.pt"])
    assert len({entrant.name for entrant in entrants}) == 3


def test_a_folder_of_a_training_names_its_networks_and_history(tmp_path, swin):
    folder = tmp_path / "run" / "swin-unet"
    folder.mkdir(parents=True)
    (folder / "weights.safetensors").write_bytes(swin.read_bytes())
    (folder / "history.json").write_text(json.dumps([]))
    for text in (str(tmp_path / "run"), str(folder)):
        entrant = entrants_of([text])[1]
        assert entrant.network == "swin-unet"
        assert entrant.weights == str(folder / "weights.safetensors")
        assert entrant.history == folder / "history.json"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("unet", "no segmenter and no folder"),
        ("swin-unet,", "names nothing"),
        ("swin-unet=", "should be NETWORK=WEIGHTS"),
        ("threshold=a.safetensors", "should be NETWORK=WEIGHTS"),
    ],
)
def test_what_names_nobody_is_refused_with_what_would(text, says):
    with pytest.raises(ConfigError, match=says):
        entrants_of([text])


def test_weights_of_an_unknown_network_list_the_known():
    with pytest.raises(UnknownNameError, match="vmamba"):
        entrants_of(["unet=a.safetensors"])


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"holds no weights\.safetensors"):
        entrants_of([str(tmp_path)])
