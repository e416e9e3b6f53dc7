import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.core.errors import ConfigError, InputError, UnknownNameError
from graticule.models.architecture import ARCHITECTURES, TRACKERS, architecture
from graticule.training.recipe import Recipe, TrackerRecipe
from graticule.training.recipes import as_toml, known, recipe
from training.tiny import bare_job


@pytest.mark.parametrize("network", [*ARCHITECTURES, *TRACKERS])
@pytest.mark.parametrize("builtin", [True, False])
def test_every_network_has_a_recipe_that_it_can_be_trained_by(network, builtin):
    made = recipe(None, network, builtin=builtin)
    assert made.network == network
    assert made.start == ("builtin" if builtin else "random")
    assert network in known()
    architecture(network).config.model_validate(made.config)


@pytest.mark.parametrize("network", ["swin-unet", "vmamba", "efficient-sam-ti"])
def test_a_recipe_fits_its_network(network):
    job = bare_job(recipe(None, network, {"start": "random"}))
    assert job.learner().config.distance


def test_what_differs_at_random_weights_counts_there_alone():
    fine, scratch = (recipe(None, "vmamba", builtin=builtin) for builtin in (True, False))
    assert scratch.learning_rate > fine.learning_rate
    assert scratch.epochs > fine.epochs
    asked = recipe(None, "vmamba", {"start": "random", "epochs": 3}, builtin=True)
    assert (asked.learning_rate, asked.epochs) == (scratch.learning_rate, 3)


def test_what_is_asked_for_goes_before_the_file_and_reaches_into_tables():
    made = recipe(None, "vmamba", {"augmentation.blur": 0, "config.mid": 4, "batch": 2})
    assert made.augmentation.blur == 0
    assert made.config == {"distance": True, "mid": 4}
    assert made.batch == 2


texts = st.text(max_size=20)
ranges = st.tuples(st.floats(0.1, 1), st.floats(1, 3))


@given(
    config=st.dictionaries(
        texts, st.one_of(st.booleans(), st.integers(0, 9), texts, st.lists(st.integers(1, 9)))
    ),
    start=texts.filter(lambda text: text not in ("", "random")),
    rate=st.floats(1e-9, 1),
    scale=ranges,
    patience=st.none() | st.integers(1, 9),
)
def test_a_recipe_written_as_a_file_is_read_as_the_same(
    tmp_path_factory, config, start, rate, scale, patience
):
    made = Recipe(
        network="vmamba",
        config=config,
        start=f"models:/{start}",
        size=64,
        learning_rate=rate,
        patience=patience,
        augmentation={"scale": scale},
    )
    path = tmp_path_factory.mktemp("recipe") / "recipe.toml"
    path.write_bytes(as_toml(made).encode())
    assert recipe(str(path), "vmamba") == made


def test_a_recipe_of_a_tracker_is_read_as_it_was_written(tmp_path):
    made = recipe("ship", "deaot-t")
    assert isinstance(made, TrackerRecipe)
    path = tmp_path / "recipe.toml"
    path.write_bytes(as_toml(made).encode())
    assert recipe(str(path), "deaot-t") == made


def test_a_segmenter_has_no_clips(tmp_path):
    with pytest.raises(ConfigError, match="no option 'clips'"):
        recipe(None, "vmamba", {"clips.frames": 3})


def test_a_local_file_to_start_from_lies_beside_the_recipe(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('start = "w.safetensors"\nsize = 64\n')
    assert recipe(str(path), "vmamba").start == str(tmp_path / "w.safetensors")
    path.write_text('start = "models:/graticule-segmenter@champion"\nsize = 64\n')
    assert recipe(str(path), "vmamba").start == "models:/graticule-segmenter@champion"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("size = 64\nbach = 3", "no option 'bach'; known: augmentation, batch,"),
        ("size = 64\nbatch = 0", "batch = 0 cannot be: it should be at least 1"),
        ("size = 64\nbatch = 4\nslots = 3", "batch must be a multiple of slots, got 4 and 3"),
        ("size = 64\n[augmentation]\nblr = 1", "no option 'augmentation.blr'; known:"),
        ('size = 64\nnetwork = "swin-unet"', "is for swin-unet, not for vmamba"),
        ("size = 64\nrandom = 3", "random = 3 cannot be: it should be a table"),
        ("size 64", "is no TOML"),
    ],
)
def test_what_cannot_be_in_a_file_is_named_with_the_file(tmp_path, text, said):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        recipe(str(path), "vmamba")
    assert str(path) in str(refused.value)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_unknown_recipe_lists_the_known_and_a_missing_file_is_named(tmp_path):
    with pytest.raises(UnknownNameError, match=r"unknown recipe 'odd'; known: .*vmamba"):
        recipe("odd", "vmamba")
    with pytest.raises(InputError, match="no such file"):
        recipe(str(tmp_path / "none.toml"), "vmamba")
    with pytest.raises(ConfigError, match="is for swin-unet, not for vmamba"):
        recipe("swin-unet", "vmamba")


def test_choosing_a_recipe_imports_no_ray():
    code = "import sys, graticule.training.recipes; assert 'ray' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
