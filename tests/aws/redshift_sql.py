"""Statement texts: where quotes and comments are, what `:name` stands for, and that there is one statement only."""

import re

from redshift_results import Failed
from wire import AwsError

PARTS = re.compile(r"(?P<left>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|::)|:(?P<name>[A-Za-z_]\w*)|(?P<end>;)", re.DOTALL)


def bind(sql, parameters):
    """The text with its parameters put in: as quoted texts, which take the kind of what they meet. A text without parameters is left as it is."""
    if not parameters:
        return sql
    values = {it["name"]: it["value"] for it in parameters}
    used = set()

    def put(found):
        name = found["name"]
        if name is None:
            return found[0]
        if name not in values:
            raise AwsError("ValidationException", f"Cannot find parameter: {name}")
        used.add(name)
        return "'" + values[name].replace("'", "''") + "'"

    bound = PARTS.sub(put, sql)
    unused = [it for it in values if it not in used]
    if unused:
        raise AwsError("ValidationException", f"Parameters list contains unused parameters. Unused parameters: {unused}")
    return bound


def one_statement(sql):
    """Refuses a text with more than one statement."""
    for found in PARTS.finditer(sql):
        rest = sql[found.end() :]
        if found["end"] and PARTS.sub(lambda it: "" if it["left"] and it["left"][:2] in ("--", "/*") else it[0], rest).strip("; \n\t\r"):
            raise Failed("ERROR: cannot insert multiple commands into a prepared statement")
