"""The warehouse: PostgreSQL with Redshift's system views as documented (views.json), their rows from dumps, users who see all rows or their own."""

import csv
import io
import json
import re
import threading
from pathlib import Path

import dumps
from postgres import Postgres

HERE = Path(__file__).resolve().parent
DEFINITIONS = json.loads((HERE / "views.json").read_text())
SUPERUSER = "awsuser"


def columns_of(view):
    """Names and types of a view's columns."""
    parts = re.split(r", (?![0-9])", DEFINITIONS[view]["columns"])
    return [(name.strip('"'), kind) for name, _, kind in (it.partition(" ") for it in parts)]


class Warehouse:
    """Started at the first need."""

    def __init__(self):
        self._server, self._lock = None, threading.RLock()

    def server(self):
        with self._lock:
            if self._server is None:
                self._server = Postgres()
                self._create()
            return self._server

    def close(self):
        with self._lock:
            if self._server is not None:
                self._server.close()

    def run(self, *statements):
        with self.server().connect() as connection, connection.cursor() as cursor:
            for it in statements:
                cursor.execute(it)

    def _create(self):
        statements = [(HERE / "redshift.sql").read_text()]
        for view in DEFINITIONS:
            columns = ", ".join(f'"{name}" {kind}' for name, kind in columns_of(view))
            statements += [f"CREATE TABLE stored.{view} ({columns})", f"GRANT SELECT ON stored.{view} TO PUBLIC", *self._view(view)]
        self.run(*statements)
        self.user({"name": SUPERUSER, "id": 100, "superuser": True})

    def _view(self, view, without=()):
        """The statements that make a view: of the rows of its user, or of all; readable for all, or for those to whom it is granted."""
        told = DEFINITIONS[view]
        columns = ", ".join(f'"{name}"' for name, _ in columns_of(view) if name not in without)
        owner = told.get("rows_of")
        where = f" WHERE stored.sees_all() OR {owner} = stored.own_id()" if owner else ""
        made = [
            f"DROP VIEW IF EXISTS pg_catalog.{view}",
            f"CREATE VIEW pg_catalog.{view} AS SELECT {columns} FROM stored.{view}{where}",
            f"REVOKE ALL ON pg_catalog.{view} FROM PUBLIC",
        ]
        return made if told.get("granted") else [*made, f"GRANT SELECT ON pg_catalog.{view} TO PUBLIC"]

    def user(self, told):
        """`{name, id, superuser, syslog: "UNRESTRICTED", roles: ["sys:monitor"], grants: [views]}`: a user, or what is new about one."""
        self.server()
        name = told["name"]
        quoted = '"' + name.replace('"', '""') + '"'
        literal = "'" + name.replace("'", "''") + "'"
        with self._server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM pg_roles WHERE rolname = {literal}")
            if not cursor.fetchone():
                cursor.execute(f"CREATE ROLE {quoted} LOGIN")
            cursor.execute(f"ALTER ROLE {quoted} {'SUPERUSER' if told.get('superuser') else 'NOSUPERUSER'}")
            cursor.execute(
                "INSERT INTO stored.users VALUES (%s, %s, %s, %s) ON CONFLICT (usename) DO UPDATE SET usesysid = excluded.usesysid, syslog = excluded.syslog, roles = excluded.roles",
                (name, told.get("id", 100), told.get("syslog", "RESTRICTED"), told.get("roles", [])),
            )
            for view in told.get("grants", []):
                cursor.execute(f"GRANT SELECT ON pg_catalog.{known(view)} TO {quoted}")

    def load(self, folder):
        """Every dump in a folder; rows that are there already are not put in again. Answers rows by view, and what was left out."""
        told, left = {}, []
        for path in sorted(it for it in Path(folder).rglob("*") if it.is_file()):
            found = dumps.rows_of(path)
            view = found and _view_of(path, *found)
            if not view:
                left.append(path.name)
                continue
            names = found[0] or [name for name, _ in columns_of(view)]
            told[view] = told.get(view, 0) + self._insert(view, names, found[1])
        return {"rows": told, "left_out": left}

    def _insert(self, view, names, rows):
        """As texts first: a cast cuts what is longer than its column, as padding and multi-byte texts are."""
        kinds = dict(columns_of(view))
        places = [(at, name) for at, name in enumerate(names) if name in kinds]
        text = io.StringIO()
        writer = csv.writer(text)
        for row in rows:
            # An empty field without quotes is null to COPY, one in quotes is empty.
            writer.writerow(["" if row[at] is None else row[at] or '""' for at, _ in places])
        text.seek(0)
        chosen = ", ".join(f'"{name}"' for _, name in places)
        casts = ", ".join(f'"{name}"::{kinds[name]}' for _, name in places)
        with self.server().connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE TEMP TABLE brought ({', '.join(f'{chr(34)}{name}{chr(34)} text' for _, name in places)})")
            cursor.copy_expert("COPY brought FROM STDIN (FORMAT csv)", text)
            cursor.execute(f"INSERT INTO stored.{view} ({chosen}) (SELECT {casts} FROM brought EXCEPT SELECT {chosen} FROM stored.{view})")
            return cursor.rowcount

    def change(self, told):
        """`{drop_view, drop_column: "view.column", revoke: view (from all but superusers), grant: view, serverless: true, restore: true}`."""
        statements = []
        for key, value in told.items():
            if key == "restore":
                statements += [it for view in DEFINITIONS for it in self._view(view)]
            elif key == "serverless":
                statements += [
                    f"REVOKE ALL ON pg_catalog.{view} FROM PUBLIC" for view in DEFINITIONS if view.startswith(("stl_", "stv_", "svl_"))
                ]
            for it in value if isinstance(value, list) else [value]:
                if key == "drop_view":
                    statements.append(f"DROP VIEW pg_catalog.{known(it)}")
                elif key == "drop_column":
                    view, _, column = it.partition(".")
                    statements += self._view(known(view), without=(column,))
                elif key in ("revoke", "grant"):
                    statements.append(f"{key} ALL ON pg_catalog.{known(it)} {'FROM' if key == 'revoke' else 'TO'} PUBLIC")
        self.run(*statements)


def known(view):
    if view not in DEFINITIONS:
        raise KeyError(view)
    return view


def _view_of(path, names, rows):
    """The view whose columns a dump has: the one it is named after, else the one that has most of them."""
    stem = path.name.lower()
    named = max((view for view in DEFINITIONS if stem.startswith(view)), key=len, default=None)
    if names is None:
        return named if named and rows and len(rows[0]) == len(columns_of(named)) else None
    fits = {view: len(set(names) & {name for name, _ in columns_of(view)}) for view in DEFINITIONS}
    if named and fits[named] > len(names) // 2:
        return named
    best = max(fits, key=fits.get)
    return best if fits[best] >= max(3, len(names) - 1) else None
