"""Reads dumps of Redshift's system views: Data API JSON (its CSV form too), query editor JSON and CSV, UNLOAD without a header, Parquet."""

import csv
import gzip
import io
import json
from pathlib import Path


def rows_of(path):
    """The column names of a dump (None where it has none) and its rows, texts and Nones. None where a file is no dump that we know."""
    path = Path(path)
    if path.suffix == ".parquet":
        import pyarrow.parquet

        table = pyarrow.parquet.read_table(path)
        return table.column_names, [[_text(it) for it in row.values()] for row in table.to_pylist()]
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig", "replace")
    if text.lstrip()[:1] in "{[":
        try:
            return _json(json.loads(text))
        except ValueError:
            return None
    if path.suffix in (".csv", ".gz") or ".csv" in path.suffixes:
        return _csv(text)
    if "_part_" in path.name:
        return None, [[it or None for it in row] for row in csv.reader(io.StringIO(text), delimiter="|", escapechar="\\", quotechar='"')]
    return None


def _csv(text):
    first = text.splitlines()[0] if text else ""
    delimiter = max(",;|\t", key=first.count)
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    if not rows:
        return None
    names = [it.strip().lower() for it in rows[0]]
    return names, [[None if it in ("", "NULL", "null", "\\N") else it for it in row] for row in rows[1:] if len(row) == len(names)]


def _json(found):
    if isinstance(found, dict) and "ColumnMetadata" in found:
        names = [it["name"].lower() for it in found["ColumnMetadata"]]
        records = found.get("Records", [])
        if records and isinstance(records[0], dict):
            # The first page alone begins with the names.
            rows = list(csv.reader(io.StringIO("".join(it["CSVRecords"] for it in records))))
            return names, [[it or None for it in row] for row in rows if row != names and len(row) == len(names)]
        return names, [[None if it.get("isNull") else _text(next(iter(it.values()))) for it in row] for row in records]
    if isinstance(found, list) and found and isinstance(found[0], dict):
        names = list(found[0])
        return [it.lower() for it in names], [[_text(row.get(it)) for it in names] for row in found]
    return None


def _text(value):
    if value is None:
        return None
    return ("t" if value else "f") if isinstance(value, bool) else str(value)
