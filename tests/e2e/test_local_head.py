"""The head that the demo and the tests start is its user's own."""

import stat


def test_no_other_user_enters_the_folder_that_ray_opens_to_everybody(cluster):
    assert cluster.head.folder.is_dir()
    assert stat.S_IMODE(cluster.head.folder.parent.stat().st_mode) == 0o700
