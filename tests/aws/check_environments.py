"""Checks of MWAA, STS and S3."""

from selftest import Server, refused


def check_environment():
    with Server({"mwaa": {"name": "shop-prod", "levels": {"Scheduler": "INFO"}, "enabled": {"WebServer": False}}}) as server:
        for config in ({"inject_host_prefix": False}, {"proxies": {"http": server.endpoint}}):
            mwaa = server.client("mwaa", **config)
            found = mwaa.get_environment(Name="shop-prod")["Environment"]
            logs = found["LoggingConfiguration"]
            assert logs["SchedulerLogs"] == {
                "Enabled": True,
                "LogLevel": "INFO",
                "CloudWatchLogGroupArn": "arn:aws:logs:us-east-1:123456789012:log-group:airflow-shop-prod-Scheduler",
            }
            assert logs["WorkerLogs"]["LogLevel"] == "WARNING" and logs["WebserverLogs"] == {"Enabled": False, "LogLevel": "WARNING"}
            refused("ResourceNotFoundException", mwaa.get_environment, Name="absent")
            server.control(deny=["airflow:GetEnvironment"])
            error = refused("AccessDeniedException", mwaa.get_environment, Name="shop-prod")
            assert (
                "airflow:GetEnvironment on resource: arn:aws:airflow:us-east-1:123456789012:environment/shop-prod"
                in error["Error"]["Message"]
            )
            server.control(reset=True, throttle={"every": 1})
            refused("ThrottlingException", mwaa.get_environment, Name="shop-prod")
            server.control(reset=True)


def check_roles():
    role = "arn:aws:iam::123456789012:role/reader"
    with Server({"roles": {role: "casefile-1"}}) as server:
        sts = server.client("sts")
        assert sts.get_caller_identity()["Account"] == "123456789012"
        refused("AccessDenied", sts.assume_role, RoleArn=role, RoleSessionName="run")
        refused("AccessDenied", sts.assume_role, RoleArn=role, RoleSessionName="run", ExternalId="other-1")
        found = sts.assume_role(RoleArn=role, RoleSessionName="run", ExternalId="casefile-1")
        assert found["AssumedRoleUser"]["Arn"].endswith("assumed-role/reader/run") and found["Credentials"]["SessionToken"]


def check_listings():
    text = "2026-08-11 01:04:40          0 clicks/dt=2026-08-10/_SUCCESS\n2026-08-11 01:00:12  137673133 clicks/dt=2026-08-10/clicks 0+1.json.gz\n"
    with Server({"objects": {"bucket": "shop-raw", "text": text}}) as server:
        s3 = server.client("s3")
        found = s3.list_objects_v2(Bucket="shop-raw", Prefix="clicks/")["Contents"]
        assert [(it["Key"], it["Size"], f"{it['LastModified']:%Y-%m-%dT%H:%M:%S%z}") for it in found] == [
            ("clicks/dt=2026-08-10/_SUCCESS", 0, "2026-08-11T01:04:40+0000"),
            ("clicks/dt=2026-08-10/clicks 0+1.json.gz", 137673133, "2026-08-11T01:00:12+0000"),
        ]
        page = s3.list_objects_v2(Bucket="shop-raw", MaxKeys=1)
        assert (
            page["IsTruncated"]
            and len(s3.list_objects_v2(Bucket="shop-raw", ContinuationToken=page["NextContinuationToken"])["Contents"]) == 1
        )
        s3.put_object(Bucket="shop-raw", Key="k", Body=b"x" * 10)
        assert s3.get_object(Bucket="shop-raw", Key="k", Range="bytes=0-3")["Body"].read() == b"xxxx"
        refused("NoSuchBucket", s3.list_objects_v2, Bucket="absent-bucket")
        server.control(throttle={"every": 1, "operations": ["ListObjectsV2"]})
        refused("SlowDown", s3.list_objects_v2, Bucket="shop-raw")
        assert server.counters()["calls"]["ListObjectsV2"] == 5


def check_the_night_in_all_services():
    with Server({"night": {}}) as server:
        told = server.answers[0]["night"]
        assert {it["group"]: it["events"] for it in told["logs"]}["airflow-shop-prod-Scheduler"] == 21
        assert told["redshift"]["left_out"] == [] and told["athena"]["executions"] == 2 and told["s3"][0]["bucket"] == "shop-raw"
        data = server.client("redshift-data")
        id = data.execute_statement(
            Sql="SELECT count(*) FROM sys_load_history", ClusterIdentifier="shop", Database="shop", WaitTimeSeconds=30
        )["Id"]
        assert data.get_statement_result(Id=id)["Records"] == [[{"longValue": told["redshift"]["rows"]["sys_load_history"]}]]
        assert len(server.client("athena").list_query_executions(WorkGroup="nightly")["QueryExecutionIds"]) == 2
        assert server.client("s3").list_objects_v2(Bucket="shop-raw")["KeyCount"] == told["s3"][0]["objects"] > 0
        assert server.client("mwaa", inject_host_prefix=False).get_environment(Name="shop-prod")["Environment"]["Status"] == "AVAILABLE"
