"""Contact plans as Parquet, CSV and JSON: kinds and nodes by name, the rest of the plan beside the table.

Parquet carries it where pandas finds its `attrs`, CSV in a first line that is a comment, JSON beside the contacts.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet

from orbitfl.contacts.columns import COLUMNS, KINDS, Column, numbers_of
from orbitfl.contacts.formats.untrusted import LARGEST_TABLE_BYTE, column_of, json_of, require_size, text_of
from orbitfl.contacts.plan import ContactPlan
from orbitfl.errors import DataError, StorageError

NAMED = ("kind", "a", "b")
NAMES = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema([(name, NAMES if name in NAMED else pa.from_numpy_dtype(dtype)) for name, dtype in COLUMNS.items()])
PANDAS_ATTRS = "PANDAS_ATTRS"  # where pandas >= 2.1 keeps DataFrame.attrs in a Parquet file
MOST_ROWS = 100_000_000
LONGEST_HEADER_BYTE = 16 * 1024**2
CSV_BLOCK_BYTE = 8 * 1024**2
MALFORMED = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError, MemoryError)


def write_parquet(plans: Iterable[ContactPlan], path: Path) -> None:
    """One row group or more for each plan; pages carry checksums."""
    first, blocks = _same_throughout(plans)
    # Without its own schema Arrow makes plain strings of names for every reader, and keeps no other metadata either.
    with parquet.ParquetWriter(
        path,
        SCHEMA,
        compression="zstd",
        use_dictionary=list(NAMED),  # pyright: ignore[reportArgumentType]  (the stubs forget lists)
        store_schema=False,
        write_page_checksum=True,
    ) as writer:
        writer.add_key_value_metadata({PANDAS_ATTRS: json.dumps(first.header())})
        for block in blocks:
            writer.write_table(_arrow_table(block))


def read_parquet(path: Path) -> ContactPlan:
    require_size(path, LARGEST_TABLE_BYTE)
    with path.open("rb") as file, _arrow_errors_told():
        content = parquet.ParquetFile(file, read_dictionary=list(NAMED), page_checksum_verification=True)
        if content.metadata.num_rows > MOST_ROWS:
            raise DataError(f"It has {content.metadata.num_rows} contacts, but at most {MOST_ROWS} are read.")
        header = json_of((content.schema_arrow.metadata or {}).get(PANDAS_ATTRS.encode(), b""))
        return _plan(header, content.read())


def write_csv(plans: Iterable[ContactPlan], path: Path) -> None:
    """After a line "# {header as JSON}" a table for `pandas.read_csv(path, comment="#")`."""
    first, blocks = _same_throughout(plans)
    with path.open("wb") as file:
        file.write(f"# {json.dumps(first.header())}\n".encode())
        with arrow_csv.CSVWriter(file, SCHEMA) as writer:
            for block in blocks:
                writer.write_table(_arrow_table(block))


def read_csv(path: Path) -> ContactPlan:
    require_size(path, LARGEST_TABLE_BYTE)
    with path.open("rb") as file:
        line = file.readline(LONGEST_HEADER_BYTE)
        if not line.startswith(b"#"):
            raise DataError("It does not begin with a line # {...} that tells epoch, span and nodes; write it again.")
        header = json_of(line[1:])
        with _arrow_errors_told():
            return _plan(header, _csv_table(file))


def write_json(plan: ContactPlan, path: Path) -> None:
    """One object: the header's keys, and `contacts`, a list of objects with the fields of `Contact`."""
    names = [_names(plan, name).tolist() if name in NAMED else plan.table[name].tolist() for name in COLUMNS]
    contacts = [dict(zip(COLUMNS, values, strict=True)) for values in zip(*names, strict=True)]
    path.write_text(json.dumps({**plan.header(), "contacts": contacts}, indent=1) + "\n")


def read_json(path: Path) -> ContactPlan:
    content = json_of(text_of(path))
    contacts = content.get("contacts") if isinstance(content, dict) else None
    if not isinstance(contacts, list) or not all(isinstance(contact, dict) for contact in contacts):
        raise DataError("It has no list of contacts under the key contacts.")
    given = {name: [contact.get(name) for contact in contacts] for name in COLUMNS}
    columns = {
        name: numbers_of(values, _known(content, name)) if name in NAMED else column_of(name, values)
        for name, values in given.items()
    }
    return ContactPlan.from_header(content, columns)


def _same_throughout(plans: Iterable[ContactPlan]) -> tuple[ContactPlan, Iterator[ContactPlan]]:
    """The first plan, and all of them again, each compared with the first as it comes."""
    remaining = iter(plans)
    first = next(remaining, None)
    if first is None:
        raise StorageError("No part of a contact plan was given; write at least one, if need be without contacts.")

    def same(plan: ContactPlan) -> ContactPlan:
        if any(plan.header()[key] != value for key, value in first.header().items() if key != "provenance"):
            raise StorageError("Parts of one contact plan must have the same epoch, span and nodes; these differ.")
        return plan

    return first, chain([first], map(same, remaining))


def _names(plan: ContactPlan, column: str) -> Column:
    names = KINDS if column == "kind" else plan.nodes
    return np.array(names, dtype=object)[plan.table[column]]


def _arrow_table(plan: ContactPlan) -> pa.Table:
    arrays = [
        pa.DictionaryArray.from_arrays(pa.array(column, pa.int32()), pa.array(_known(plan.header(), name), pa.string()))
        if name in NAMED
        else pa.array(column)
        for name, column in plan.table.items()
    ]
    return pa.table(arrays, schema=SCHEMA)


def _csv_table(file: Any) -> pa.Table:
    return arrow_csv.read_csv(
        file,
        read_options=arrow_csv.ReadOptions(block_size=CSV_BLOCK_BYTE),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(column_types=SCHEMA, strings_can_be_null=False),
    )


def _plan(header: Any, table: pa.Table) -> ContactPlan:
    if table.schema.names != SCHEMA.names or table.schema.types != SCHEMA.types:
        found = ", ".join(f"{field.name} {field.type}" for field in table.schema)[:400]
        raise DataError(f"A contact plan has the columns {', '.join(COLUMNS)}, but this has {found}.")
    table.validate(full=True)
    if any(column.null_count for column in table.columns):
        raise DataError("A cell is empty; every contact has all columns.")
    columns = {
        name: _numbers_by_chunk(table[name], _known(header, name)) if name in NAMED else table[name].to_numpy()
        for name in COLUMNS
    }
    return ContactPlan.from_header(header, columns)


def _known(header: Any, column: str) -> Sequence[str]:
    nodes = header.get("nodes") if isinstance(header, dict) else None
    return KINDS if column == "kind" else nodes if isinstance(nodes, list) else []


def _numbers_by_chunk(column: pa.ChunkedArray, names: Sequence[str]) -> Column:
    chunks = [numbers_of(chunk.dictionary.to_pylist(), names)[chunk.indices.to_numpy()] for chunk in column.chunks]
    return np.concatenate([np.empty(0, "i4"), *chunks])


@contextmanager
def _arrow_errors_told() -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except MALFORMED as error:
        raise DataError(f"It is damaged, or no contact plan of orbitfl's: {str(error)[:200]}") from error
