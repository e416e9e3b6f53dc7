"""Training on Ray Train: the same loop in several processes, replaced when they die.

A driver starts the workers (:mod:`~graticule.training.distributed.executor`) and hears of them by
a mailbox; a worker is a shell around :func:`graticule.training.job.run_job`. The state goes
through Ray Train's checkpoints. Nothing is imported here: the mailbox's process needs no torch.
"""

from graticule.core import ray_metrics

ray_metrics.leave_off()
