"""Puts the parts together: which object answers which service, and what control calls reach."""

import athena_seeds
import log_seeds
import object_seeds
from athena import Athena
from control import Control
from environments import Environments, Roles
from faults import Faults
from front import Front
from insights import Insights
from log_events import LogEvents
from log_reads import LogReads
from moto_server import Moto
from night import night
from redshift_data import RedshiftData
from warehouse import Warehouse


def assemble(port=0):
    """The front, ready to start, and what closes all that it started."""
    moto, faults = Moto(), Faults()
    events = LogEvents(moto)
    insights, reads = Insights(events, faults), LogReads(events, moto)
    warehouse, athena = Warehouse(), Athena(moto)
    redshift = RedshiftData(warehouse)
    environments, roles = Environments(), Roles(moto, faults)
    doers = {
        "night": lambda it: night(events, environments, warehouse, athena, moto, **it),
        "mwaa": environments.set,
        "roles": roles.set,
        "objects": lambda it: object_seeds.objects(moto, **it),
        "stored": lambda it: object_seeds.stored(moto, **it),
        "glue": lambda it: athena.tables_of_glue.shown(),
        "glue_table": lambda it: athena.tables_of_glue.seed(**it),
        "redshift": redshift.set,
        "statements": redshift.log,
        "warehouse": warehouse.change,
        "warehouse_user": warehouse.user,
        "warehouse_rows": lambda it: warehouse.load(**it),
        "athena": athena.set,
        "athena_stop": lambda _: athena.stop_all(),
        "athena_workgroup": athena.add_workgroup,
        "athena_history": lambda it: athena_seeds.history(athena, **it),
        "athena_copies": lambda it: athena_seeds.copies(athena, **it),
        "athena_alias": lambda it: athena.statistics.update({id: athena.statistics[of] for id, of in it.items()}),
        "insights": insights.set,
        "reads": reads.set,
        "log_group": lambda it: events.create(**it) and None,
        "digest": lambda it: events.digest(**it),
        "cloudwatch": lambda it: log_seeds.cloudwatch(events, **it),
        "airflow": lambda it: log_seeds.airflow(events, **it),
        "burst": lambda it: log_seeds.burst(events, **it),
    }
    services = {
        "Logs_20140328": [insights, reads],
        "MWAA": [environments],
        "STS": [roles],
        "RedshiftData": [redshift],
        "AmazonAthena": [athena],
    }
    front = Front(port, services, moto.forward, faults, Control(faults, doers))
    return front, warehouse.close
