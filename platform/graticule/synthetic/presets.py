"""What a simulated movie looks like, by name.

The three presets are fixed, so that figures mean the same for everyone: add others,
never change these. Lengths in pixels, rates per frame.
"""

from dataclasses import dataclass, fields

from graticule.core.errors import ConfigError, UnknownNameError

REFERENCE_AREA_PX = 512 * 512
"""The area that ``Preset.particles`` refers to."""
_AT_MOST = {"gradient": 1.5, "parting_share": 1.0, "film_contrast": 0.15, "dose": 3e4}
_MAY_BE_ZERO = {"size_sigma", "step_px", "drift_px", "gradient", "ripening", "meeting_rate", "parting_share"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """One kind of sintering movie.

    Args:
        particles: Particles whose centre lies in a view of 512 x 512 pixels.
        radius_px: Mean radius; sizes are lognormal with ``size_sigma``.
        dose: Electrons per pixel and frame, mean over the empty film.
        contrast_length_px: Thickness that lets 1/e of the electrons through.
        step_px: Root-mean-square length of a particle's own random step, per frame.
        drift_px: Mean speed of the specimen, per frame.
        gradient: Brightest less darkest illumination in the view, of its mean.
        ripening: Ostwald ripening, K / radius_px^3 per frame, in
            dr/dt = K / r (1 / <r> - 1 / r).
        meeting_rate: Chance, per frame, that a particle of mean size sets out to its
            nearest free neighbour.
        parting_share: Of these meetings, those that touch and part again.
        film_contrast: Standard deviation of the amorphous film's grain, of its mean.

    Raises:
        ConfigError: If a value cannot be.
    """

    particles: float
    radius_px: float
    dose: float
    contrast_length_px: float
    step_px: float
    drift_px: float
    gradient: float
    size_sigma: float = 0.25
    ripening: float = 0.0016
    meeting_rate: float = 0.0016
    parting_share: float = 0.2
    film_contrast: float = 0.07

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            if not 0 <= value < float("inf") or (value == 0 and name not in _MAY_BE_ZERO):
                raise ConfigError(f"a preset's {name} cannot be {value}; give a positive number")
            if value > _AT_MOST.get(name, value):
                raise ConfigError(f"a preset's {name} is at most {_AT_MOST[name]}, got {value}")


PRESETS: dict[str, Preset] = {
    "easy": Preset(
        particles=60.0,
        radius_px=14.0,
        dose=300.0,
        contrast_length_px=60.0,
        step_px=0.4,
        drift_px=0.1,
        gradient=0.1,
        ripening=0.0022,
        meeting_rate=0.0016,
    ),
    "medium": Preset(
        particles=90.0,
        radius_px=10.0,
        dose=50.0,
        contrast_length_px=75.0,
        step_px=0.6,
        drift_px=0.6,
        gradient=0.35,
        ripening=0.0016,
        meeting_rate=0.0015,
    ),
    "hard": Preset(
        particles=140.0,
        radius_px=7.0,
        dose=15.0,
        contrast_length_px=90.0,
        step_px=1.3,
        drift_px=1.5,
        gradient=0.6,
        ripening=0.0013,
        meeting_rate=0.0021,
    ),
}


def find_preset(name: str) -> Preset:
    """Return the preset called ``name``.

    Raises:
        UnknownNameError: If there is none; lists the known ones.
    """
    if name not in PRESETS:
        raise UnknownNameError("preset", name, PRESETS)
    return PRESETS[name]
