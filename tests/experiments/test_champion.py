"""The champion is a version with an alias; without one the user is told how to get one."""

import pytest

from graticule.core.errors import ConfigError
from graticule.experiments.champion import WHY, Champion, champion, no_champion, set_champion
from graticule.experiments.models import registered_version

FILES = {"w.safetensors": b"1"}


def test_without_a_registered_model_the_user_is_told_how_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setenv("GRATICULE_HOME", str(tmp_path))
    with pytest.raises(ConfigError, match=r"there is no champion: .*graticule train.*name a segmenter"):
        champion()
    assert not list(tmp_path.iterdir())


def test_without_an_alias_the_versions_are_listed(register):
    register("unchosen", FILES, network="vmamba")
    with pytest.raises(ConfigError, match=r"versions 1 \(vmamba\): graticule models champion 1"):
        champion("unchosen")


def test_the_champion_is_named_by_version_and_moves_on(register):
    register("crowned", FILES, network="vmamba")
    register("crowned", FILES, network="swin-unet")
    set_champion(1, name="crowned", why="best AP50")
    assert champion("crowned") == Champion(network="vmamba", weights="models:/crowned/1")
    entry = set_champion(2, name="crowned")
    assert entry.aliases == ("champion",)
    assert champion("crowned") == Champion(network="swin-unet", weights="models:/crowned/2")
    assert registered_version("crowned", 1).aliases == ()
    assert registered_version("crowned", 1).tags[WHY] == "best AP50"


def test_the_alias_can_be_taken_away(register):
    register("deposed", FILES, alias="champion")
    no_champion("deposed")
    no_champion("deposed")
    with pytest.raises(ConfigError, match="there is no champion"):
        champion("deposed")


def test_a_version_that_is_not_there_cannot_win(register):
    register("short", FILES)
    with pytest.raises(ConfigError, match="models:/short/9 is not registered"):
        set_champion(9, name="short")


def test_a_champion_of_no_network_says_what_is_lacking(register):
    register("untagged", FILES, alias="champion", network=None)
    with pytest.raises(ConfigError, match="no tag says of which network"):
        champion("untagged")
