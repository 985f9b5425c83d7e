"""Results as the Redshift Data API writes them: fields by kind, column metadata, CSV; and errors in Redshift's words."""

import csv
import io
import re
from datetime import datetime

TYPES = {
    16: "bool",
    18: "char",
    19: "name",
    20: "int8",
    21: "int2",
    23: "int4",
    25: "varchar",
    26: "oid",
    700: "float4",
    701: "float8",
    705: "varchar",
    1042: "bpchar",
    1043: "varchar",
    1082: "date",
    1083: "time",
    1114: "timestamp",
    1184: "timestamptz",
    1700: "numeric",
}
PRECISIONS = {20: 19, 21: 5, 23: 10, 26: 10, 700: 8, 701: 17}
SIGNED = (20, 21, 23, 700, 701, 1700)


class Failed(Exception):
    """A statement that ended as FAILED, with its error text."""


class Result:
    """All rows of a statement, as texts of the chosen format."""

    def __init__(self, cursor, format, row_cap, size_cap):
        self.format, self.size = format, 0
        kinds = [it.type_code for it in cursor.description]
        self.columns = _columns(cursor)
        self.rows = []
        for row in cursor:
            texts = [_text(value, kind) for value, kind in zip(row, kinds)]
            length = sum(len(it.encode()) for it in texts if it is not None)
            if length > row_cap:
                raise Failed("ERROR: a row of the result is longer than 64 KB")
            self.size += length
            if self.size > size_cap:
                raise Failed(f"ERROR: the result is larger than {size_cap // (1024 * 1024)} MB")
            self.rows.append(texts if format == "CSV" else [_field(value, text, kind) for value, text, kind in zip(row, texts, kinds)])
        self.count = len(self.rows)

    def page(self, at, rows):
        found = self.rows[at : at + rows]
        if self.format == "JSON":
            return found
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        if at == 0:
            writer.writerow([it["name"] for it in self.columns])
        writer.writerows(found)
        return [{"CSVRecords": text.getvalue()}]


def _text(value, kind):
    if value is None:
        return None
    if isinstance(value, datetime):
        fraction = f"{value.microsecond:06d}".rstrip("0") or "0"
        zone = "+00" if value.tzinfo else ""
        return f"{value:%Y-%m-%d %H:%M:%S}.{fraction}{zone}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _field(value, text, kind):
    if value is None:
        return {"isNull": True}
    if kind == 16:
        return {"booleanValue": value}
    if kind in (20, 21, 23, 26):
        return {"longValue": int(value)}
    if kind in (700, 701):
        return {"doubleValue": float(value)}
    return {"stringValue": text}


def _columns(cursor):
    tables = {it.table_oid for it in cursor.description if it.table_oid}
    names = {}
    if tables:
        with cursor.connection.cursor() as other:
            other.execute(
                "SELECT c.oid, c.relname, n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY (%s)",
                (list(tables),),
            )
            names = {oid: (name, schema) for oid, name, schema in other.fetchall()}
    columns = []
    for it in cursor.description:
        table, schema = names.get(it.table_oid, ("", ""))
        numeric = it.type_code == 1700
        columns.append(
            {
                "isCaseSensitive": it.type_code in (25, 1042, 1043),
                "isCurrency": False,
                "isSigned": it.type_code in SIGNED,
                "label": it.name,
                "length": 0,
                "name": it.name,
                "nullable": 1,
                "precision": (
                    it.precision or 0 if numeric else PRECISIONS.get(it.type_code, it.internal_size if it.internal_size > 0 else 0)
                ),
                "scale": it.scale or 0 if numeric else 6 if it.type_code in (1114, 1184) else 0,
                "schemaName": schema,
                "tableName": table,
                "typeName": TYPES.get(it.type_code, "varchar"),
            }
        )
    return columns


def error_text(error, sql):
    """PostgreSQL's message as Redshift words it. The Data API shows no SQLSTATE."""
    message = (error.diag.message_primary or str(error).strip()) if error.diag else str(error).strip()
    message = re.sub(r"permission denied for (?:view|table|sequence) ", "permission denied for relation ", message)
    if error.pgcode == "42703" and re.fullmatch(r'column "[^"]+" does not exist', message):
        tables = re.findall(r"\b(?:from|join)\s+(?:\w+\.)?(\w+)", sql, re.IGNORECASE)
        message += f" in {', '.join(dict.fromkeys(it.lower() for it in tables))}" if tables else ""
    return f"ERROR: {message}"
