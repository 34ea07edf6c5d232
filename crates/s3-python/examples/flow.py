"""A flow that stores and reads objects of its run.

Start a server and take over what it prints, then run the flow:

    cargo xtask serve
    export AWS_ENDPOINT_URL=... AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=... AWS_REGION=...
    export METAFLOW_S3_ENDPOINT_URL=$AWS_ENDPOINT_URL METAFLOW_DATASTORE_SYSROOT_S3=s3://demo/metaflow
    python crates/s3-python/examples/flow.py --datastore s3 run
"""

from metaflow import S3, FlowSpec, step


class ExampleFlow(FlowSpec):
    @step
    def start(self):
        with S3(run=self) as s3:
            s3.put_many([("part/%d" % n, "content %d" % n) for n in range(100)])
        self.next(self.end)

    @step
    def end(self):
        import mfs3

        with S3(run=self) as s3:
            parts = s3.get_recursive(["part/"])
        print(len(parts), "objects; native client:", mfs3.info()["active_in_metaflow"])


if __name__ == "__main__":
    ExampleFlow()
