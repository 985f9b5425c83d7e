"""Reads the outputs of one report as other programs do, holds them against their schemas, and prints what it read as JSON."""

import csv
import json
import pathlib
import re
import sys

import jsonschema
import junitparser
import xmlschema
from py_ocsf_models.events.findings.detection_finding import DetectionFinding

HERE = pathlib.Path(__file__).parent
FORMULA = tuple("=+-@＝＋－＠\t\r\n")


def sarif(folder):
    schema = json.loads((HERE / "sarif-schema-2.1.0.json").read_text())
    document = json.loads((folder / "sarif").read_bytes())
    checker = jsonschema.Draft7Validator.FORMAT_CHECKER
    jsonschema.Draft7Validator(schema, format_checker=checker).validate(document)
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        # Code scanning refuses a file in which one result has no place.
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for place in result["locations"] + result.get("relatedLocations", []):
            uri = place["physicalLocation"]["artifactLocation"]["uri"]
            assert re.fullmatch(r"(file://)?([A-Za-z0-9._~/!$&'()*+,;=@-]|%[0-9A-F]{2})+", uri), uri
        text = result["message"]["text"]
        assert "](" not in text and not re.search(r"(?<!\{)\{(\{\{)*(?!\{)", text), text
    (invocation,) = run["invocations"]
    return {
        "rules": rules,
        "successful": invocation["executionSuccessful"],
        "notifications": [[it["level"], it["message"]["text"]] for it in invocation["toolExecutionNotifications"]],
        "results": [
            {
                "id": it["partialFingerprints"]["casefile/v1"],
                "rule": it["ruleId"],
                "kind": it["kind"],
                "level": it["level"],
                "state": it.get("baselineState"),
                "suppressions": [[s["kind"], s["status"], s["justification"]] for s in it["suppressions"]],
                "uri": it["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
                "line": it["locations"][0]["physicalLocation"].get("region", {}).get("startLine"),
                "about": it["locations"][0]["logicalLocations"][0],
            }
            for it in run["results"]
        ],
    }


def ocsf(folder):
    read = []
    for line in (folder / "ocsf").read_text().split("\n")[:-1]:
        event = json.loads(line)
        model = DetectionFinding.model_validate(event)
        # Attributes that the class does not have would be missing, values of another type would differ.
        assert json.loads(model.model_dump_json(exclude_unset=True)) == event
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
        read.append(
            {
                "id": event["finding_info"]["uid"],
                "activity": event["activity_name"],
                "status": event["status"],
                "severity": event["severity_id"],
                "time": event["time"],
            }
        )
    return read


def junit(folder):
    path = folder / "junit"
    xmlschema.XMLSchema(str(HERE / "junit-10.xsd")).validate(str(path))
    names, read = set(), {}
    suites = junitparser.JUnitXml.fromfile(str(path))
    for suite in suites:
        cases = []
        for case in suite:
            assert (case.classname, case.name) not in names, case.name
            names.add((case.classname, case.name))
            outcome = type(case.result[0]).__name__.lower() if case.result else "passed"
            cases.append([outcome, case.name, case.result[0].message if case.result else ""])
        counts = {kind: sum(1 for it in cases if it[0] == kind) for kind in ("failure", "error", "skipped")}
        assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (len(cases), *counts.values())
        read[suite.name] = cases
    return read


def github(folder):
    """As the runner reads them: a command stands at the beginning of a line; what follows a known one is escaped."""
    *commands, last = (folder / "github").read_text().split("\n")[:-1]
    assert not last.startswith("::") and "##[" not in last
    unescape = lambda text: text.replace("%0D", "\r").replace("%0A", "\n")
    read, counts = [], {}
    for line in commands:
        command = re.fullmatch(r"::(error|warning|notice) ((?:[a-z]+=[^,:]*,?)+)::(.*)", line)
        assert command, line
        kind, properties, message = command.groups()
        counts[kind] = counts.get(kind, 0) + 1
        pairs = dict(it.split("=", 1) for it in properties.split(","))
        assert set(pairs) <= {"file", "line", "title"}, pairs
        plain = {k: unescape(v).replace("%3A", ":").replace("%2C", ",").replace("%25", "%") for k, v in pairs.items()}
        read.append({"kind": kind, **plain, "message": unescape(message).replace("%25", "%")})
    assert all(it <= 10 for it in counts.values()), counts
    return {"commands": read, "last": last}


def spreadsheet(folder):
    text = (folder / "csv").read_bytes().decode()
    assert text.endswith("\r\n") and "\n" not in text.replace("\r\n", "")
    rows = list(csv.DictReader(text.splitlines(keepends=True), strict=True))
    for cell in (cell for row in rows for cell in row.values()):
        assert not cell.startswith(FORMULA), cell
        # Where a spreadsheet takes another separator, or none of the quotes.
        for part in re.split(r"[,;|\t]", cell):
            assert not part.lstrip(" \"").startswith(FORMULA), cell
    return [{key: row[key] for key in ("finding_id", "status", "change")} for row in rows]


if __name__ == "__main__":
    given = pathlib.Path(sys.argv[1])
    print(json.dumps({"sarif": sarif(given), "ocsf": ocsf(given), "junit": junit(given), "github": github(given), "csv": spreadsheet(given)}))
