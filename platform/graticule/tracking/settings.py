"""What can be turned on the tracker ``overlap``."""

from pydantic import BaseModel, ConfigDict, Field


class OverlapSettings(BaseModel):
    """Options of the tracker ``overlap``; the defaults suit all presets of the simulator."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    missed_frames: int = Field(default=3, ge=0)
    """A particle not seen for up to this many frames keeps its identity."""
    reach_radii: float = Field(default=1.0, gt=0)
    """How far a particle may move between frames, in summed radii of both instances."""
    most_cost: float = Field(default=2.0, gt=0)
    """A link dearer than this is a vanishing and an appearing instead."""
    swallowed: float = Field(default=0.5, gt=0, le=1)
    """Part of an instance that must lie within its host for it to be swallowed."""
    flicker_frames: int = Field(default=2, ge=0)
    """Contact lost (or a piece seen) for up to this many frames is segmentation noise."""
    least_contact_frames: int = Field(default=5, ge=1)
    """Contact of particles that never fuse is a merge when it lasts this long."""
    least_neck: float = Field(default=0.3, ge=0)
    """… and its mean length is this part of the smaller particle's diameter."""
    least_parted_frames: int = Field(default=3, ge=1)
    """A split needs its child to live apart for this many frames."""
    least_frames_seen: int = Field(default=1, ge=1)
    """A track seen in fewer frames, and in no merge or split, is taken for noise and left out."""
