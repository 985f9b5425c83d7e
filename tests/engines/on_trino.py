"""Trino, which Athena is built on, over a stand-in for S3: the lake lies where the DDL says, and partitions are projected by Trino itself."""

import datetime
import pathlib
import socket
import subprocess
import time

import trino

TYPES = {"string": "varchar", "bigint": "bigint", "double": "double", "boolean": "boolean", "timestamp": "timestamp(3)"}
START_SECONDS = 300


class Trino:
    """A server with one catalog, below a folder."""

    name = "Trino"

    def __init__(self, parts, folder, endpoint):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        folder = pathlib.Path(folder)
        (folder / "catalog").mkdir(parents=True)
        (folder / "config.properties").write_text(
            "coordinator=true\nnode-scheduler.include-coordinator=true\nnode.environment=test\nnode.id=one\n"
            f"http-server.http.port={self.port}\ndiscovery.uri=http://127.0.0.1:{self.port}\n"
            f"node.internal-address=127.0.0.1\nnode.bind-ip=127.0.0.1\n"
            f"plugin.dir={parts}/plugin\ncatalog.config-dir={folder}/catalog\n"
        )
        (folder / "catalog/lake.properties").write_text(
            "connector.name=hive\nhive.metastore=file\nhive.metastore.catalog.dir=s3://metastore/trino\n"
            "hive.partition-projection-enabled=true\nhive.ignore-absent-partitions=true\n"
            "fs.hadoop.enabled=false\nfs.native-s3.enabled=true\n"
            f"s3.endpoint={endpoint}\ns3.region=us-east-1\ns3.path-style-access=true\ns3.aws-access-key=testing\ns3.aws-secret-key=testing\n"
        )
        self.log = folder / "server.log"
        starter = pathlib.Path(__file__).resolve().parent / "trino/Start.java"
        command = ["java", "-Xmx2g", f"-Dconfig={folder}/config.properties", "-Djdk.attach.allowAttachSelf=true"]
        command += ["--add-opens=java.base/java.nio=ALL-UNNAMED", "-cp", f"{parts}/lib/*", str(starter)]
        # It writes below the folder that it is started in.
        output = {"stdin": subprocess.DEVNULL, "stdout": self.log.open("w"), "stderr": subprocess.STDOUT}
        self.server = subprocess.Popen(command, cwd=folder, **output)
        self.wait()
        self.version = self.ask("SELECT node_version FROM system.runtime.nodes")[0][0]

    def wait(self):
        """Until the server says that it answers."""
        until = time.monotonic() + START_SECONDS
        while "SERVER STARTED" not in self.log.read_text():
            if self.server.poll() is not None or time.monotonic() > until:
                self.stop()
                raise RuntimeError("the server did not start:\n" + "\n".join(self.log.read_text().splitlines()[-15:]))
            time.sleep(1)

    def ask(self, statement, zone="UTC"):
        with trino.dbapi.connect(host="127.0.0.1", port=self.port, user="test", catalog="lake", timezone=zone) as connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            return cursor.fetchall()

    def make(self, _statements, tables):
        """Declares the tables that the statements declare, where they are not yet: Trino has a way of its own to say it."""
        for table in tables:
            self.ask(f"CREATE SCHEMA IF NOT EXISTS {table.database}")
            first, last = table.of_partition("range").split(",")
            projection = (
                f"partition_projection_type = '{table.of_partition('type')}', partition_projection_format = '{table.of_partition('format')}', "
                f"partition_projection_range = ARRAY['{first}', '{last}'], partition_projection_interval = {table.of_partition('interval')}, "
                f"partition_projection_interval_unit = '{table.of_partition('interval.unit')}'"
            )
            columns = ", ".join(f"{name} {TYPES[kind]}" for name, kind in table.columns)
            self.ask(
                f"CREATE TABLE IF NOT EXISTS {table.database}.{table.name} ({columns}, {table.partition} varchar WITH ({projection})) WITH ("
                f"format = 'PARQUET', external_location = '{table.location}', partitioned_by = ARRAY['{table.partition}'], "
                f"partition_projection_enabled = {table.properties['projection.enabled']}, "
                f"partition_projection_location_template = '{table.properties['storage.location.template']}')"
            )

    def columns(self, table):
        """Names and types as the engine has understood them, in the words of the DDL."""
        words = {it: key for key, it in TYPES.items()}
        return [(name, words[kind]) for name, kind, *_ in self.ask(f"DESCRIBE {table.database}.{table.name}")]

    def rows(self, query, zone):
        """The answer to a query in a session of a zone."""
        return [[plain(it) for it in row] for row in self.ask(query, zone)]

    def stop(self):
        self.server.terminate()
        try:
            self.server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.server.kill()


def plain(value):
    """Moments as milliseconds since 1970, other values as they are. Times without a zone are UTC, as in Athena."""
    if isinstance(value, datetime.datetime):
        return round(value.replace(tzinfo=datetime.timezone.utc).timestamp() * 1000)
    return value
