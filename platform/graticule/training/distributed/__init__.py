"""Training on Ray Train: the same loop in several processes, replaced when they die.

A driver starts the workers and hears of them by a mailbox; a worker is a shell around
:func:`graticule.training.job.run_job`. The state goes through Ray Train's checkpoints.
"""

from graticule.core import ray_metrics

ray_metrics.leave_off()

from graticule.training.distributed.executor import OnRayTrain  # noqa: E402
from graticule.training.distributed.team import Team, shared_by, team_of  # noqa: E402

__all__ = ["OnRayTrain", "Team", "shared_by", "team_of"]
