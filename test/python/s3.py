"""An S3 server with one bucket and one user: JSON lines in, JSON lines out, until its input ends."""

import json
import logging
import sys

import boto3
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from moto import settings
from moto.server import ThreadedMotoServer

BUCKET = "lake"

logging.getLogger("werkzeug").setLevel(logging.ERROR)

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
endpoint = f"http://{host}:{port}"


def client(name):
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}
    return boto3.client(name, endpoint_url=endpoint, **keys)


def make_user():
    """From here on the server checks every signature."""
    iam = client("iam")
    iam.create_user(UserName="lakegate")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_user_policy(UserName="lakegate", PolicyName="all", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="lakegate")["AccessKey"]
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    return key


client("s3").create_bucket(Bucket=BUCKET)
key = make_user()
options = {
    "aws_endpoint": endpoint,
    "aws_allow_http": "true",
    "aws_region": "us-east-1",
    "aws_access_key_id": key["AccessKeyId"],
    "aws_secret_access_key": key["SecretAccessKey"],
}


def append(table, numbers):
    uri = f"s3://{BUCKET}/{table}"
    write_deltalake(uri, pa.table({"n": pa.array(numbers, pa.int64())}), mode="append", storage_options=options)
    return {"version": DeltaTable(uri, storage_options=options).version()}


def stale_put(table):
    """Puts commit 0 again, only if nothing is there; gives the status of the answer."""
    signed = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    try:
        name = f"{table}/_delta_log/{0:020}.json"
        answer = signed.put_object(Bucket=BUCKET, Key=name, Body=b"{}", IfNoneMatch="*")
        return {"status": answer["ResponseMetadata"]["HTTPStatusCode"]}
    except signed.exceptions.ClientError as error:
        return {"status": error.response["ResponseMetadata"]["HTTPStatusCode"]}


operations = {
    "start": lambda _: {"endpoint": endpoint, "bucket": BUCKET, "options": options},
    "append": lambda request: append(request["table"], request["numbers"]),
    "stale_put": lambda request: stale_put(request["table"]),
    "stop": lambda _: server.stop(),
}

for line in sys.stdin:
    request = json.loads(line)
    print(json.dumps(operations[request["operation"]](request)), flush=True)
server.stop()
