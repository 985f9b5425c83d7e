"""A lake of two weeks: audits of nights whose dumps are those of the fixtures, moved to the night's day."""

import datetime
import json
import pathlib
import re
import subprocess

import pyarrow.parquet

FIXTURES = pathlib.Path("fixtures").resolve()
FIRST = datetime.date(2026, 6, 22)
# What each night's dumps are. June is over in the last nights, July goes on.
NIGHTS = [
    ["night"],
    ["night", "mapped"],
    ["quiet"],
    ["queued"],
    ["night/redshift", "damaged"],
    ["night", "queued", "mapped"],
    ["night"],
    [],
    ["night/airflow", "quiet"],
    ["night/airflow", "mapped"],
    ["queued", "mapped"],
    ["quiet"],
    ["night/redshift", "damaged"],
    ["night", "queued"],
]
# Each story: where its dumps lie, and the day that becomes the night's.
STORIES = {
    "night": ("stories/night", "2026-08-14"),
    "night/redshift": ("stories/night/redshift", "2026-08-14"),
    "night/airflow": ("stories/night/airflow", "2026-08-14"),
    "mapped": ("stories/mapped", "2026-08-14"),
    "queued": ("demo/scheduler.log", "2026-11-20"),
}
DAY = re.compile(r"20\d\d-\d\d-\d\d")
LAST = (FIRST + datetime.timedelta(days=len(NIGHTS) - 1)).isoformat()
# The night with most in it.
BUSY = (FIRST + datetime.timedelta(days=5)).isoformat()
# A night of a month before, as files were when tables had fewer columns, and how many were added since.
OLDER = "2026-05-01"
ADDED = {"findings": 5, "instances": 1, "excerpts": 1, "verdicts": 4, "coverage": 1}

SETTINGS = """
[audit]
name = "engines"
state = "state"
window = "1d"
first = "{first}"
delay = "0m"
overlap = "0m"
most_windows = 1

[inputs]
paths = ["exports/{{date}}"]

[publish]
to = "lake"

[[suppress]]
detector = "single-file-copy"
subject = "ops.*"
kind = "accepted"
reason = "stock is one file: \\"the vendor's\\" way, naïve or not"
owner = "data-platform"
until = "2027-01-01"
"""


def write_exports(folder):
    """The dumps of each night."""
    for at, stories in enumerate(NIGHTS):
        night = FIRST + datetime.timedelta(days=at)
        to = folder / night.isoformat()
        to.mkdir(parents=True)
        for story in stories:
            if story == "quiet":
                (to / "quiet.log").write_text(f"[{night}T01:00:00.000+0000] {{local_task_job_runner.py:240}} INFO - Task exited with return code 0\n")
            elif story == "damaged":
                (to / "cut-off.log.gz").write_bytes(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03cut off")
            else:
                move(FIXTURES / STORIES[story][0], to / story.replace("/", "-"), night - datetime.date.fromisoformat(STORIES[story][1]))


def move(source, target, by):
    """Copies dumps, with every day in them moved."""

    def moved(text):
        return DAY.sub(lambda it: (datetime.date.fromisoformat(it[0]) + by).isoformat(), text)

    for path in [source] if source.is_file() else sorted(source.rglob("*")):
        if path.is_file():
            place = target / moved(str(path.relative_to(source.parent)))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(moved(path.read_text()))


def audited(program, folder):
    """Audits night after night into folder/lake; answers what JSON says of each, by day."""
    write_exports(folder / "exports")
    (folder / "casefile.toml").write_text(SETTINGS.format(first=FIRST.isoformat()))
    reports = {}
    for at in range(len(NIGHTS)):
        night = FIRST + datetime.timedelta(days=at)
        after = night + datetime.timedelta(days=1)
        command = [program, "audit", "--config", "casefile.toml", "--as-of", f"{after}T01:00:00Z", "--format", "json", "--quiet"]
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        # Dumps that are damaged or missing are told by the exit code, and are meant here.
        assert ran.returncode in (0, 3), f"{command}: {ran.returncode}\n{ran.stderr}"
        reports[night.isoformat()] = json.loads(ran.stdout)
    return reports


def write_older(folder):
    """A night whose files have fewer columns; answers how many rows each table of it has."""
    rows = {}
    for table, added in ADDED.items():
        (whole,) = (folder / table / f"dt={FIRST.isoformat()}").glob("*.parquet")
        older = pyarrow.parquet.ParquetFile(whole).read()
        older = older.select(older.column_names[:-added])
        older = older.set_column(0, older.field(0), pyarrow.array(["older"] * older.num_rows))
        place = folder / table / f"dt={OLDER}"
        place.mkdir()
        pyarrow.parquet.write_table(older, place / "older.parquet", coerce_timestamps="ms")
        rows[table] = older.num_rows
    return rows
