"""Physical scale of a movie; what is unknown stays unknown."""

from dataclasses import dataclass, replace

from graticule.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """Pixel size in nm and frame interval in s; ``None`` where unknown, never guessed.

    Raises:
        ConfigError: If a given value is not positive and finite.
    """

    pixel_size_nm: float | None = None
    frame_interval_s: float | None = None

    def __post_init__(self) -> None:
        for name in ("pixel_size_nm", "frame_interval_s"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise ConfigError(f"{name} must be positive and finite, got {value}")

    def overridden(
        self, *, pixel_size_nm: float | None = None, frame_interval_s: float | None = None
    ) -> "Calibration":
        """Return this calibration with the values that are given put in place of its own."""
        given = {"pixel_size_nm": pixel_size_nm, "frame_interval_s": frame_interval_s}
        return replace(self, **{name: value for name, value in given.items() if value is not None})

    def binned_in_time(self, frames: int) -> "Calibration":
        """Return the calibration after averaging each run of ``frames`` frames into one."""
        if self.frame_interval_s is None:
            return self
        return replace(self, frame_interval_s=self.frame_interval_s * frames)
