"""One night's evidence, in all services."""

from pathlib import Path

import athena_seeds
import log_seeds
import object_seeds

STORY = Path(__file__).resolve().parent.parent.parent / "fixtures/stories/night"


def night(events, environments, warehouse, athena, moto, environment="shop-prod", folder=STORY, retention=None):
    """Log files into the groups of an environment, system views into the warehouse, Athena's history, listed objects into their buckets. The night is long ago: groups
    that keep fewer days than that would, on AWS, have lost it."""
    folder = Path(folder)
    environments.set({"name": environment, "levels": {"Scheduler": "INFO", "Worker": "INFO"}})
    listings = sorted((folder / "s3").glob("*.ls.txt"))
    return {
        "logs": log_seeds.airflow(events, folder / "airflow", environment, retention),
        "redshift": warehouse.load(folder / "redshift"),
        "athena": athena_seeds.history(athena, folder / "athena"),
        "s3": [object_seeds.objects(moto, it.name.partition(".")[0], file=it) for it in listings]
        + [object_seeds.objects(moto, "shop-athena-results", "")],
    }
