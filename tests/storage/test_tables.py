import pyarrow as pa
import pytest

from graticule.core.calibration import Calibration
from graticule.storage.schemas import TABLES, table_schema
from stored import particles


def test_a_table_comes_back_as_it_was(make):
    experiment = make()
    experiment.write_table("particles", particles(7))
    assert experiment.read_table("particles").equals(particles(7))


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("calibrated", [True, False])
def test_empty_tables_keep_their_columns(make, name, calibrated):
    experiment = make(calibration=Calibration(pixel_size_nm=0.5 if calibrated else None))
    schema = table_schema(name, calibrated=calibrated)
    experiment.write_table(name, schema.empty_table())
    assert experiment.read_table(name).schema.equals(schema)


def test_how_a_table_was_pieced_together_does_not_show(make, tmp_path):
    table = particles(9).replace_schema_metadata({"pandas": "x"})
    pieces = pa.concat_tables([table.slice(0, 2), table.slice(2, 3), table.slice(5)])
    contents = []
    for name, rows in (("a", particles(9)), ("b", pieces)):
        experiment = make(tmp_path / name)
        experiment.write_table("particles", rows)
        contents.append((tmp_path / name / "tables" / "particles.parquet").read_bytes())
    assert contents[0] == contents[1]


def test_lists_keep_empty_and_filled_rows(make):
    schema = table_schema("events", calibrated=True)
    row = {"event": 1, "kind": "merge", "frame": 3, "time_s": None, "parents": [4, 5], "children": []}
    row |= {"y_px": 1.0, "x_px": 2.0, "at_border": False, "confidence": 0.9, "y_nm": 0.5, "x_nm": 1.0}
    experiment = make()
    experiment.write_table("events", pa.Table.from_pylist([row], schema=schema))
    assert experiment.read_table("events").to_pylist() == [row]


def test_a_column_missing_or_of_another_type_is_refused(make):
    experiment = make()
    with pytest.raises(ValueError, match=r"missing=\['area_px'\]"):
        experiment.write_table("particles", particles(3).drop_columns("area_px"))
    wrong = particles(3).set_column(0, "particle", pa.array([0.0, 1, 2]))
    with pytest.raises(ValueError, match="particle is double, expected int64"):
        experiment.write_table("particles", wrong)
