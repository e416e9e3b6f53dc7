import pytest

from graticule.core.errors import ConfigError, UnknownNameError
from graticule.training.settings import train_settings


def settings(**values):
    return train_settings(**{"data": ["/a", "/b"], "out": "/out", **values})


def test_all_networks_are_meant_by_default_and_data_are_drawn_from_alike():
    made = settings()
    assert made.networks == ("efficient-sam-ti", "swin-unet", "vmamba", "yolov8n-seg")
    assert made.weights == (1, 1)
    assert settings(model="vmamba", shares=[1, 3]).weights == (1, 3)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"shares": [1]}, "give one --share for each --data, or none; got 1 for 2"),
        ({"shares": [0, 0]}, "all shares are 0"),
        ({"shares": [1, -1]}, "shares = -1 cannot be: it should be at least 0"),
        ({"data": []}, "nothing to train on is given; add --data DIR"),
        ({"held_out": 1.5}, "held_out = 1.5 cannot be: it should be below 1"),
        ({"held_out": 0.2, "validation": ["/v"]}, "where images to validate on are given, none are held out"),
        ({"validated": 0}, "validated = 0 cannot be: it should be at least 1"),
        ({"colour": "red"}, "no option 'colour'; known: data,"),
    ],
)
def test_what_cannot_be_is_one_line(values, said):
    with pytest.raises(ConfigError) as refused:
        settings(**values)
    assert said in str(refused.value)


def test_an_unknown_network_lists_the_known():
    with pytest.raises(
        UnknownNameError, match="known: all, deaot-t, efficient-sam-ti, swin-unet, vmamba, yolov8n-seg"
    ):
        settings(model="unet")
