"""What each network is to learn: :data:`graticule.training.learner.LEARNERS` names them."""
