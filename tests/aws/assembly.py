"""Puts the parts together: which object answers which service, and what control calls reach."""

import log_seeds
from control import Control
from faults import Faults
from front import Front
from insights import Insights
from log_events import LogEvents
from log_reads import LogReads
from moto_server import Moto


def assemble(port=0):
    """The front, ready to start, and what closes all that it started."""
    moto, faults = Moto(), Faults()
    events = LogEvents(moto)
    insights, reads = Insights(events, faults), LogReads(events, moto)
    doers = {
        "insights": insights.set,
        "reads": reads.set,
        "log_group": lambda it: events.create(**it) and None,
        "digest": lambda it: events.digest(**it),
        "cloudwatch": lambda it: log_seeds.cloudwatch(events, **it),
        "airflow": lambda it: log_seeds.airflow(events, **it),
        "burst": lambda it: log_seeds.burst(events, **it),
    }
    services = {"Logs_20140328": [insights, reads]}
    front = Front(port, services, moto.forward, faults, Control(faults, doers))
    return front, lambda: None
