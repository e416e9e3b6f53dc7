"""What can be turned on the tracker ``deaot``, beyond how links become identities."""

from pydantic import BaseModel, ConfigDict, Field, model_validator


class DeAOTSettings(BaseModel):
    """Options of the tracker ``deaot``; it also takes those of ``overlap``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: str = "builtin"
    """``builtin``, a path, a URL or ``models:/name@alias``; published checkpoints too."""
    weights_sha256: str | None = None
    device: str = "auto"
    window_frames: int = Field(default=32, ge=2)
    """Frames that one actor speaks for; it begins ``kept_frames`` earlier."""
    window_px: int = Field(default=1024, ge=64)
    """Edge of the square of the frame that one actor follows."""
    diameter_px: float = Field(default=24.0, gt=0)
    """What the median particle is magnified to before the network sees it."""
    view_px: int = Field(default=897, ge=129)
    """Most that the network sees at once, magnified."""
    memory_views: int = Field(default=3, ge=1)
    """Sights of each object that the long-term memory keeps."""
    memory_gap: int = Field(default=5, ge=1)
    """Frames between two sights that are offered to it."""
    kept_frames: int = Field(default=8, ge=0)
    """Frames for which an object that the segmenter misses is carried on."""
    least_untracked: float = Field(default=0.5, ge=0, le=1)
    """Part of an instance that no object may cover for it to be a new one."""
    least_diameter_nm: float = Field(default=0.0, ge=0)
    """Smallest new object, where the pixel size is known."""
    least_kept_area: float = Field(default=0.4, ge=0, le=1)
    """Part of its last area that an object must still show to be carried on by itself."""
    neighbour_diameters: float = Field(default=1.5, gt=0)
    """Objects with a narrower gap, in mean diameters, never share an identity slot."""

    @model_validator(mode="after")
    def _begins_within_the_window_before(self) -> "DeAOTSettings":
        if self.window_frames <= self.kept_frames:
            raise ValueError(
                f"window_frames must be more than kept_frames ({self.kept_frames}), got {self.window_frames}"
            )
        return self
