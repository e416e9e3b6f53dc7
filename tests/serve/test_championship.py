"""The champion changes once the new one can answer, and stays where it cannot."""

import asyncio
import time
from pathlib import Path

import pytest

from graticule.core.errors import InputError, UnknownNameError
from graticule.experiments.champion import no_champion, set_champion
from graticule.experiments.server import client
from mlflow_home import mlflow_home
from serve import championship as championships
from serve.championship import Championship, Standing, default_standing
from serve.listing import chosen_key, listing
from serve.naming import ModelKey
from serve.problems import Problem

__all__ = ["mlflow_home"]
NAME = "graticule-segmenter"


@pytest.fixture
def versions(mlflow_home, tmp_path) -> Path:
    """Two versions of a registered segmenter, and one of nobody's network."""
    server = client()
    server.create_registered_model(NAME)
    for network in ("swin-unet", "vmamba", "unet-of-another"):
        server.create_model_version(NAME, str(tmp_path), tags={"network": network, "score.ap50": "0.5"})
    return mlflow_home


def championship(loaded: list[str], *, failing: str = "") -> Championship:
    async def ready(key: ModelKey) -> None:
        if key.network == failing:
            raise InputError("its weights are gone")
        loaded.append(key.name)

    return Championship(default_standing("threshold"), ready, seconds=60)


def looked(kept: Championship) -> tuple[str, str, str | None]:
    now = asyncio.run(kept.refresh())
    return now.key.name, now.source, now.problem


def test_without_a_registry_the_default_answers(tmp_path, monkeypatch):
    monkeypatch.setenv("GRATICULE_HOME", str(tmp_path))
    assert looked(championship([])) == ("threshold", "default", None)
    assert not list(tmp_path.iterdir())


def test_a_champion_is_loaded_before_it_takes_over_and_leaves_when_it_is_deposed(versions):
    loaded: list[str] = []
    kept = championship(loaded)
    assert looked(kept)[0] == "threshold"
    set_champion(1)
    assert looked(kept) == (f"models:/{NAME}/1", "registry", None)
    assert loaded == ["threshold", f"models:/{NAME}/1"]
    set_champion(2)
    assert looked(kept)[0] == f"models:/{NAME}/2"
    no_champion()
    assert looked(kept)[:2] == ("threshold", "default")


def test_one_that_cannot_be_loaded_does_not_take_over(versions):
    kept = championship([], failing="vmamba")
    set_champion(1)
    looked(kept)
    set_champion(2)
    name, _, problem = looked(kept)
    assert name == f"models:/{NAME}/1"
    assert "2 cannot take over: its weights are gone" in (problem or "")


def test_one_of_an_unknown_network_does_not_take_over(versions):
    kept = championship([])
    set_champion(3)
    name, _, problem = looked(kept)
    assert name == "threshold"
    assert "unet-of-another; known: " in (problem or "")


def test_a_registry_that_does_not_answer_changes_nothing(versions, monkeypatch):
    kept = championship([])
    set_champion(1)
    looked(kept)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    name, _, problem = looked(kept)
    assert name == f"models:/{NAME}/1"
    assert "does not answer" in (problem or "")
    assert kept.versions


def test_nobody_answers_before_the_registry_was_looked_at(versions):
    loaded: list[str] = []
    kept = championship(loaded)
    set_champion(1)
    assert not kept.answers
    looked(kept)
    assert kept.answers
    assert loaded == [f"models:/{NAME}/1"]


def test_where_a_champion_cannot_be_loaded_at_the_start_the_default_answers(versions):
    loaded: list[str] = []
    kept = championship(loaded, failing="vmamba")
    set_champion(2)
    name, source, problem = looked(kept)
    assert (name, source) == ("threshold", "default")
    assert "2 cannot take over" in (problem or "")
    assert loaded == ["threshold"]


def test_a_new_keeper_learns_the_champion_from_those_that_know_it(versions, monkeypatch):
    known = Standing(key=ModelKey(network="swin-unet", weights=f"models:/{NAME}/1"), source="registry")
    loaded: list[str] = []
    kept = championship(loaded)
    with monkeypatch.context() as away:
        away.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
        kept.remind(known)
        assert looked(kept)[:2] == (known.key.name, "registry")
        assert loaded == [known.key.name]
    set_champion(2)
    looked(kept)
    kept.remind(known)
    assert kept.standing.key.name == f"models:/{NAME}/2"


def test_where_a_champion_that_was_is_gone_too_the_default_answers(versions, monkeypatch):
    known = Standing(key=ModelKey(network="vmamba", weights=f"models:/{NAME}/2"), source="registry")
    kept = championship([], failing="vmamba")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    kept.remind(known)
    name, source, problem = looked(kept)
    assert (name, source) == ("threshold", "default")
    assert "2 cannot take over" in (problem or "")
    assert kept.answers


def test_looks_asked_for_at_a_time_are_one_look(monkeypatch):
    looks: list[int] = []

    def slow(default: Standing) -> championships.Look:
        looks.append(1)
        time.sleep(0.2)
        return championships.Look(named=default, versions=[])

    monkeypatch.setattr(championships, "look", slow)
    kept = championship([])

    async def ask() -> None:
        first = asyncio.create_task(kept.refresh())
        await asyncio.sleep(0.05)
        await asyncio.gather(first, *(kept.refresh() for _ in range(20)))

    asyncio.run(ask())
    assert len(looks) == 2


def test_versions_are_listed_with_their_metrics_and_found_by_name_and_alias(versions):
    kept = championship([])
    set_champion(2)
    standing = asyncio.run(kept.refresh())
    entries = {entry.name: entry for entry in listing(standing, kept.versions).models}
    assert entries[f"models:/{NAME}/1"].metrics == {"ap50": 0.5}
    assert entries[f"models:/{NAME}/2"].champion
    assert f"models:/{NAME}/3" not in entries
    for name in (None, "champion", f"models:/{NAME}@champion", f"models:/{NAME}/2"):
        assert chosen_key(name, standing, kept.versions).network == "vmamba"
    assert chosen_key(f"models:/{NAME}/1", standing, kept.versions).network == "swin-unet"
    for name in (f"models:/{NAME}/3", f"models:/{NAME}/9", f"models:/{NAME}@nobody", "models:/other/1"):
        with pytest.raises(Problem, match="known: champion, "):
            chosen_key(name, standing, kept.versions)


def test_a_default_that_does_not_exist_is_refused():
    with pytest.raises(UnknownNameError, match="unknown segmenter 'unet'"):
        default_standing("unet")
