"""Holds the files of docs/schedules against what reads them: `check.py PROGRAM` says what it looked at."""

import ast
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import botocore.session
from botocore.validate import ParamValidator

FILES = pathlib.Path("docs/schedules")
CODES = (0, 1, 2, 3, 4, 5, 6, 130)


def run(*command, **options):
    return subprocess.run([str(it) for it in command], capture_output=True, text=True, **options)


def with_code(folder, code):
    """A program that ends with this code."""
    program = pathlib.Path(folder) / "casefile"
    program.write_text(f"#!/bin/sh\necho a report of several\necho lines\nexit {code}\n")
    program.chmod(0o755)
    return program


def ecs():
    for service, operation, name in [("ecs", "RegisterTaskDefinition", "ecs-task.json"), ("scheduler", "CreateSchedule", "ecs-schedule.json")]:
        model = botocore.session.get_session().get_service_model(service).operation_model(operation)
        wrong = ParamValidator().validate(json.loads((FILES / name).read_text()), model.input_shape)
        assert not wrong.has_errors(), wrong.generate_report()
    (container,) = json.loads((FILES / "ecs-task.json").read_text())["containerDefinitions"]
    image = (FILES / "Dockerfile").read_text()
    assert f"CMD {json.dumps(container['command'])}" in image and f"USER {container['user']}" in image
    for source in re.findall(r"^COPY (?!--from)(\S+/\S+) ", image, re.MULTILINE):
        assert pathlib.Path(source).is_file(), source
    pattern = json.loads((FILES / "ecs-alert.json").read_text())
    family = json.loads((FILES / "ecs-task.json").read_text())["family"]
    assert pattern["detail"]["group"] == [f"family:{family}"]


def actions():
    for path in FILES.glob("github-*.yml"):
        told = run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", path)
        assert told.returncode == 0, told.stdout
    # The last step of the audit, for each code.
    text = (FILES / "github-audit.yml").read_text()
    step = re.search(r"run: \|\n((?: {10}.*\n)*? {10}esac\n)", text).group(1)
    ends = {code: run("bash", "-e", "-c", step, env={"CODE": str(code)}).returncode for code in CODES}
    assert ends == {code: 0 if code in (0, 3, 5) else code for code in CODES}, ends


def systemd(program):
    if not shutil.which("systemd-analyze"):
        print("systemd-analyze is not here: the units are not verified")
        return
    with tempfile.TemporaryDirectory() as folder:
        units = []
        for path in [*FILES.glob("*.service"), *FILES.glob("*.timer")]:
            unit = pathlib.Path(folder) / path.name
            unit.write_text(path.read_text().replace("/usr/local/bin/casefile", str(program)).replace("/usr/bin/logger", "/bin/echo"))
            units.append(unit)
        told = run("systemd-analyze", "verify", *units)
        assert told.returncode == 0 and not told.stderr, told.stderr


def cron():
    lines = [it for it in (FILES / "casefile.cron").read_text().splitlines() if it and not it.startswith("#")]
    (line,) = [it for it in lines if not re.match(r"[A-Z_]+=", it)]
    fields = line.split(None, 6)
    assert all(re.fullmatch(r"[\d*,/-]+", it) for it in fields[:5]), fields
    assert "%" not in line, "cron takes a percent sign for the end of the command"
    command = line.split(None, 6)[6]
    with tempfile.TemporaryDirectory() as folder:
        for code in CODES:
            told = run("sh", "-c", command.replace("/usr/local/bin/casefile", str(with_code(folder, code))))
            assert bool(told.stdout) == (code not in (0, 5)), (code, told.stdout)
            assert code in (0, 5) or (f"exit code {code}\n" in told.stdout and "lines" in told.stdout)


def airflow():
    """What Airflow would run, and what it makes of the end of it."""
    tree = ast.parse((FILES / "casefile_audit.py").read_text())
    texts = {it.targets[0].id: it.value.value for it in tree.body if isinstance(it, ast.Assign)}
    calls = [it for it in ast.walk(tree) if isinstance(it, ast.Call) and getattr(it.func, "id", "") == "BashOperator"]
    options = [{it.arg: it.value for it in call.keywords} for call in calls]
    (audit,) = [it for it in options if it["task_id"].value == "audit"]
    (findings,) = [it for it in options if it["task_id"].value == "findings"]
    assert audit["skip_on_exit_code"].value == 5 and findings["retries"].value == 0 and audit["retries"].value > 0
    for code in CODES:
        with tempfile.TemporaryDirectory() as folder:
            with_code(folder, code)
            told = run("bash", "-c", texts["AUDIT"], env={"PATH": f"{folder}:/usr/bin:/bin"})
        assert told.returncode == (0 if code == 1 else code)
        second = run("bash", "-c", findings["bash_command"].value, env={"SAID": told.stdout.splitlines()[-1]})
        assert (second.returncode != 0) == (code == 1)


def settings(program):
    told = run(program, "config", "validate", FILES / "casefile.toml")
    assert told.returncode == 0, told.stderr


if __name__ == "__main__":
    settings(sys.argv[1])
    ecs()
    actions()
    systemd(sys.argv[1])
    cron()
    airflow()
