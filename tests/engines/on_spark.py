"""Spark, with the metastore of Hive: it takes Athena's DDL as it is printed."""

import datetime
import os

from pyspark.sql import SparkSession

# The Python side turns moments into times of this zone, whatever the session's is.
os.environ["TZ"] = "UTC"


class Spark:
    """A session with a metastore of its own below a folder."""

    name = "Spark"

    def __init__(self, folder):
        self.session = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.warehouse.dir", f"{folder}/warehouse")
            .config("spark.hadoop.javax.jdo.option.ConnectionURL", f"jdbc:derby:{folder}/metastore;create=true")
            .config("spark.driver.extraJavaOptions", f"-Dderby.system.home={folder} -Dderby.stream.error.file={folder}/derby.log")
            # Not the session's variable: what stands in a location's template.
            .config("spark.sql.variable.substitute", "false")
            .enableHiveSupport()
            .getOrCreate()
        )
        self.session.sparkContext.setLogLevel("ERROR")
        self.version = self.session.version

    def make(self, statements, tables):
        """Runs the statements, then adds the partitions. The tables that were there are dropped."""
        for it in tables:
            self.session.sql(f"DROP TABLE IF EXISTS {it.database}.{it.name}")
        for it in statements:
            self.session.sql(it)
        for table in tables:
            for value, place in table.partitions():
                self.session.sql(f"ALTER TABLE {table.database}.{table.name} ADD PARTITION ({table.partition}='{value}') LOCATION '{place}'")

    def columns(self, table):
        """Names and types as the engine has understood them."""
        told = self.session.sql(f"DESCRIBE {table.database}.{table.name}").collect()
        names = [it.col_name for it in told]
        return [(it.col_name, it.data_type) for it in told[: names.index("# Partition Information")]]

    def rows(self, query, zone):
        """The answer to a query in a session of a zone."""
        self.session.conf.set("spark.sql.session.timeZone", zone)
        return [[plain(it) for it in row] for row in self.session.sql(query).collect()]

    def stop(self):
        self.session.stop()


def plain(value):
    """Moments as milliseconds since 1970, other values as they are."""
    if isinstance(value, datetime.datetime):
        return round(value.replace(tzinfo=datetime.timezone.utc).timestamp() * 1000)
    return value
