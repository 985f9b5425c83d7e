"""Statements of Athena that make databases and tables: what they say is held to the user guide, and kept in moto's Glue."""

import re

from wire import AwsError

DDL = re.compile(r"\s*(CREATE|ALTER|DROP|MSCK)\b", re.IGNORECASE)
DATABASE = re.compile(r"CREATE DATABASE IF NOT EXISTS (\w+)\s*")
TABLE = re.compile(
    r"CREATE EXTERNAL TABLE IF NOT EXISTS (\w+)\.(\w+)\s*\((.*?)\)\s*PARTITIONED BY \((.*?)\)\s*STORED AS PARQUET\s*"
    r"LOCATION '([^']*)'\s*TBLPROPERTIES\s*\((.*)\)\s*",
    re.DOTALL,
)
ADD = re.compile(r"ALTER TABLE (\w+)\.(\w+) ADD COLUMNS \((.*)\)\s*", re.DOTALL)
COLUMN = re.compile(r"([a-z][a-z0-9_]*) (string|bigint|int|double|boolean|timestamp|date)")
PROPERTY = re.compile(r"'([^']+)'\s*=\s*'([^']*)'")
PARSE = "FAILED: ParseException line 1:0 cannot recognize input near "
META = "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. MetaException(message:"
ABSENT = "{} (Service: AmazonDataCatalog; Status Code: 400; Error Code: EntityNotFoundException; Request ID: 0; Proxy: null)"


def _columns(text):
    found = [COLUMN.fullmatch(" ".join(it.split())) for it in text.split(",")]
    return None if not all(found) else [{"Name": it[1], "Type": it[2]} for it in found]


class Tables:
    """Tables of Glue, as statements make them."""

    def __init__(self, moto):
        self.moto = moto

    @staticmethod
    def is_ddl(text):
        return DDL.match(text) is not None

    @property
    def databases(self):
        return self.moto.backend("glue").databases

    def run(self, text):
        """Does what a statement says; gives the reason where it fails."""
        if found := DATABASE.fullmatch(text):
            if found[1] not in self.databases:
                self.moto.backend("glue").create_database(found[1], {"Name": found[1]})
            return None
        if found := TABLE.fullmatch(text):
            return self._create(*found.groups())
        if found := ADD.fullmatch(text):
            return self._add(*found.groups())
        return PARSE + repr(text[:40])

    def _create(self, database, name, columns, partitions, location, properties):
        columns, partitions = _columns(columns), _columns(partitions)
        given = dict(PROPERTY.findall(properties))
        if columns is None or partitions is None:
            return PARSE + "a column"
        if len({it["Name"] for it in columns + partitions}) < len(columns + partitions):
            return "FAILED: SemanticException [Error 10036]: Duplicate column name"
        if not re.fullmatch(r"s3://[a-z0-9.-]+/(?:.*/)?", location):
            return META + "Location must be a folder of S3, with a slash at its end)"
        if location.split("/")[2] not in self.moto.backend("s3").buckets:
            return META + "The specified bucket does not exist (Service: Amazon S3; Status Code: 404; Error Code: NoSuchBucket))"
        fault = _projection(given, [it["Name"] for it in partitions])
        if fault:
            return META + fault + ")"
        return self._put(database, name, columns, partitions, location, given)

    def _put(self, database, name, columns, partitions, location, properties):
        if database not in self.databases:
            return f"FAILED: SemanticException [Error 10072]: Database does not exist: {database}"
        if name not in self.databases[database].tables:
            table = {
                "Name": name,
                "TableType": "EXTERNAL_TABLE",
                "PartitionKeys": partitions,
                "StorageDescriptor": {"Columns": columns, "Location": location},
                "Parameters": {"EXTERNAL": "TRUE"} | properties,
            }
            self.moto.backend("glue").create_table(database, name, table)
        return None

    def _add(self, database, name, columns):
        columns = _columns(columns)
        if columns is None:
            return PARSE + "a column"
        if database not in self.databases or name not in self.databases[database].tables:
            return f"FAILED: SemanticException [Error 10001]: Table not found {database}.{name}"
        table = self._latest(database, name)
        there = table["StorageDescriptor"]["Columns"]
        if {it["Name"] for it in there} & {it["Name"] for it in columns}:
            return "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. Duplicate column name"
        table["StorageDescriptor"]["Columns"] = there + columns
        self.moto.backend("glue").update_table(database, name, table)
        return None

    def _latest(self, database, name):
        table = self.databases[database].tables[name].as_dict()
        return {key: table[key] for key in ("Name", "TableType", "PartitionKeys", "StorageDescriptor", "Parameters") if key in table}

    def seed(self, database, name, columns, location, partitions=(("dt", "string"),)):
        if database not in self.databases:
            self.moto.backend("glue").create_database(database, {"Name": database})
        as_glue = lambda pairs: [{"Name": it[0], "Type": it[1]} for it in pairs]
        self._put(database, name, as_glue(columns), as_glue(partitions), location, {})

    def shown(self):
        found = {}
        for database in self.databases:
            for name in self.databases[database].tables:
                table = self._latest(database, name)
                pairs = lambda columns: [[it["Name"], it["Type"]] for it in columns]
                found[f"{database}.{name}"] = {
                    "columns": pairs(table["StorageDescriptor"]["Columns"]),
                    "partitions": pairs(table["PartitionKeys"]),
                    "location": table["StorageDescriptor"]["Location"],
                    "properties": table["Parameters"],
                }
        return found

    def metadata(self, members):
        database, name = members["DatabaseName"], members["TableName"]
        if members["CatalogName"] != "AwsDataCatalog":
            raise AwsError("MetadataException", f"DataCatalog {members['CatalogName']} was not found")
        if database not in self.databases:
            raise AwsError("MetadataException", "EntityNotFoundException: " + ABSENT.format(f"Database {database} not found."))
        if name not in self.databases[database].tables:
            raise AwsError("MetadataException", "EntityNotFoundException: " + ABSENT.format("Entity Not Found"))
        table = self._latest(database, name)
        store = table["StorageDescriptor"]
        return {
            "Name": name,
            "TableType": table["TableType"],
            "Columns": store["Columns"],
            "PartitionKeys": table["PartitionKeys"],
            "Parameters": table["Parameters"]
            | {"location": store["Location"], "inputformat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"},
        }


def _projection(properties, partitions):
    """What is wrong with the projection of partitions, as the user guide has it."""
    if properties.get("projection.enabled") != "true":
        return "projection.enabled is missing: no partition would be seen"
    template = properties.get("storage.location.template", "")
    for name in partitions:
        kind = properties.get(f"projection.{name}.type")
        if kind != "date":
            return f"missing projection configuration for column {name}"
        form, both = properties.get(f"projection.{name}.format"), properties.get(f"projection.{name}.range", "").split(",")
        if form != "yyyy-MM-dd" or len(both) != 2 or not re.fullmatch(r"\d{4}-\d\d-\d\d", both[0]) or not both[1].startswith("NOW"):
            return f"projection.{name}.range does not fit its format"
        if f"${{{name}}}" not in template:
            return f"storage.location.template lacks ${{{name}}}"
    return "" if template.endswith("/") else "storage.location.template must end with a slash"
