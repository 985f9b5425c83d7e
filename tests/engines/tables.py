"""Tables as their DDL declares them, and the partitions that Athena would project from that."""

import dataclasses
import datetime
import pathlib
import re

TABLE = re.compile(
    r"CREATE EXTERNAL TABLE IF NOT EXISTS (?P<database>\w+)\.(?P<name>\w+) \(\n(?P<columns>.*?)\n?\)\n"
    r"PARTITIONED BY \((?P<partition>\w+) string\)\nSTORED AS PARQUET\nLOCATION '(?P<location>[^']+)'\n"
    r"TBLPROPERTIES \((?P<properties>.*)\)",
    re.DOTALL,
)


@dataclasses.dataclass
class Table:
    """What one statement declares."""

    name: str
    database: str
    columns: list
    partition: str
    location: str
    properties: dict

    @classmethod
    def of(cls, statement):
        """The table of a statement; None of any other statement."""
        if not statement.startswith("CREATE EXTERNAL TABLE"):
            return None
        told = TABLE.fullmatch(statement.strip())
        assert told, f"this declares a table in a way that the engines' tests do not know:\n{statement}"
        columns = [tuple(it.split()[:2]) for it in told["columns"].strip().split(",\n")]
        properties = dict(re.findall(r"'([^']+)'\s*=\s*'([^']*)'", told["properties"]))
        return cls(told["name"], told["database"], columns, told["partition"], told["location"], properties)

    def of_partition(self, key):
        """What projection is told of the partition's column."""
        return self.properties[f"projection.{self.partition}.{key}"]

    def partitions(self):
        """Each value that projection makes and a folder exists for, with that folder. Athena passes over those without one."""
        assert self.properties["projection.enabled"] == "true" and self.of_partition("type") == "date"
        assert (self.of_partition("format"), self.of_partition("interval"), self.of_partition("interval.unit")) == ("yyyy-MM-dd", "1", "DAYS")
        first, last = self.of_partition("range").split(",")
        assert last == "NOW", last
        day, today = datetime.date.fromisoformat(first), datetime.datetime.now(datetime.timezone.utc).date()
        found = []
        while day <= today:
            place = self.properties["storage.location.template"].replace(f"${{{self.partition}}}", day.isoformat())
            if pathlib.Path(place.removeprefix("file://")).is_dir():
                found.append((day.isoformat(), place))
            day += datetime.timedelta(days=1)
        return found
