import sys

import pytest

from graticule.core.errors import ConfigError
from graticule.core.extras import extra_package


def test_a_package_that_is_there_is_given():
    assert extra_package("json.decoder", extra="compare", wanted_by="a test").JSONDecoder


def test_one_that_is_not_is_one_line_with_the_extra():
    with pytest.raises(ConfigError) as told:
        extra_package("nowhere_to_be.found", extra="compare", wanted_by="the metric X")
    said = "the metric X needs the package nowhere_to_be: pip install 'graticule[compare]'"
    assert str(told.value) == said


def test_one_that_does_not_work_says_why(tmp_path, monkeypatch):
    (tmp_path / "broken_one.py").write_text("raise ImportError('libx is too old')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigError, match=r"a working broken_one \(libx is too old\)"):
        extra_package("broken_one", extra="compare", wanted_by="X")
    assert "broken_one" not in sys.modules
