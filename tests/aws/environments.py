"""Amazon MWAA's GetEnvironment, and STS where moto is too kind: roles that ask for an external id.

GetEnvironment carries the host prefix `api.`, which SDKs put before a given endpoint too: `api.127.0.0.1` resolves nowhere. The front also
serves as a plain HTTP proxy, so that `HTTP_PROXY=http://127.0.0.1:PORT` brings such requests here; the Rust SDK reads that variable.
"""

from wire import ACCOUNT, REGION, AwsError

GROUPS = {
    "DagProcessingLogs": "DAGProcessing",
    "SchedulerLogs": "Scheduler",
    "TaskLogs": "Task",
    "WebserverLogs": "WebServer",
    "WorkerLogs": "Worker",
}
# The console's own choice: INFO for tasks, WARNING for the rest.
LEVELS = {"Task": "INFO"}


class Environments:
    """The operations, by name."""

    def __init__(self):
        self.known = {}

    def set(self, values):
        """`{name, levels: {kind: level}, enabled: {kind: bool}, more: {any member of Environment}}`."""
        name, levels, enabled = values["name"], values.get("levels", {}), values.get("enabled", {})
        logging = {}
        for key, kind in GROUPS.items():
            logging[key] = {"Enabled": enabled.get(kind, True), "LogLevel": levels.get(kind, LEVELS.get(kind, "WARNING"))}
            if logging[key]["Enabled"]:
                logging[key]["CloudWatchLogGroupArn"] = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:airflow-{name}-{kind}"
        self.known[name] = {
            "Name": name,
            "Status": "AVAILABLE",
            "Arn": f"arn:aws:airflow:{REGION}:{ACCOUNT}:environment/{name}",
            "CreatedAt": 1_767_225_600.0,
            "AirflowVersion": "2.10.3",
            "EnvironmentClass": "mw1.small",
            "MinWorkers": 1,
            "MaxWorkers": 10,
            "Schedulers": 2,
            "AirflowConfigurationOptions": {"celery.worker_autoscale": "5,5"},
            "ExecutionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/{name}-execution",
            "CeleryExecutorQueue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:airflow-celery-{name}",
            "LoggingConfiguration": logging,
        } | values.get("more", {})

    def GetEnvironment(self, members, call):
        found = self.known.get(members["Name"])
        if found is None:
            raise AwsError("ResourceNotFoundException", f"Environment: {members['Name']} not found. ", 404)
        return {"Environment": found}

    def ListEnvironments(self, members, call):
        return {"Environments": sorted(self.known)}


class Roles:
    """AssumeRole: refused where the role's trust policy asks for another external id; else moto's answer."""

    def __init__(self, moto, faults):
        self.moto, self.faults, self.external_ids = moto, faults, {}

    def set(self, values):
        """`{role ARN: the external id that its trust policy asks for}`."""
        self.external_ids = dict(values)

    def AssumeRole(self, members, call):
        role = members.get("RoleArn", "")
        wanted = self.external_ids.get(role)
        if wanted is not None and members.get("ExternalId") != wanted:
            raise AwsError(
                "AccessDenied", f"User: {self.faults.identity} is not authorized to perform: sts:AssumeRole on resource: {role}", 403
            )
        return self.moto.forward(call)
