"""Tables as parquet: checked against their schema, the same bytes for the same rows."""

import io

import pyarrow as pa
import pyarrow.parquet as pq

from graticule.storage.schemas import table_schema

ROW_GROUP = 1 << 17


def table_bytes(name: str, table: pa.Table, *, calibrated: bool) -> bytes:
    """Return a table's parquet file, zstd-compressed.

    Raises:
        ValueError: If columns or types are not those of the schema.
    """
    schema = table_schema(name, calibrated=calibrated)
    _check(name, table.schema, schema)
    # One chunk per column: how a table was pieced together must not show in the bytes.
    plain = pa.Table.from_arrays(table.combine_chunks().columns, schema=schema)
    sink = io.BytesIO()
    pq.write_table(plain, sink, compression="zstd", row_group_size=ROW_GROUP)
    return sink.getvalue()


def table_from(content: bytes) -> pa.Table:
    """Return the table in a parquet file's bytes."""
    return pq.read_table(io.BytesIO(content))


def _check(name: str, given: pa.Schema, wanted: pa.Schema) -> None:
    if given.names != wanted.names:
        missing = [column for column in wanted.names if column not in given.names]
        strange = [column for column in given.names if column not in wanted.names]
        raise ValueError(f"table {name}: {missing=} {strange=}, or in another order than {wanted.names}")
    for have, want in zip(given, wanted, strict=True):
        if have.type != want.type:
            raise ValueError(f"table {name}: column {have.name} is {have.type}, expected {want.type}")
