"""Tries cells.py on a real cluster: a master and two workers, three processes that talk over loopback.

    python cluster.py LOG MAPPING.toml OUT [--kill TABLE]

Prints the queries, runs them, and with --kill ends the second worker by SIGKILL while that query runs. Needs `pyspark`, Java 17 and
`hindsight` on the path. OUT then is a folder of cells.
"""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

import pyspark

HOST = "127.0.0.1"
PORT, WEB_PORT = 17077, 18080
MASTER = f"spark://{HOST}:{PORT}"
SPARK = pathlib.Path(pyspark.__file__).parent
HERE = pathlib.Path(__file__).parent


class Cluster:
    """Ends its own processes, whatever happens."""

    def __init__(self, scratch: pathlib.Path, cores: int, memory: str):
        self.scratch, self.cores, self.memory = scratch, cores, memory
        self.processes: list[subprocess.Popen] = []

    def start(self, name: str, *arguments: str) -> subprocess.Popen:
        environment = dict(os.environ, SPARK_HOME=str(SPARK), SPARK_LOCAL_IP=HOST)
        with open(self.scratch / f"{name}.log", "w", encoding="utf-8") as log:
            process = subprocess.Popen(
                [str(SPARK / "bin" / "spark-class"), *arguments], env=environment, stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    def __enter__(self) -> "Cluster":
        master = "org.apache.spark.deploy.master.Master"
        self.start("master", master, "--host", HOST, "--port", str(PORT), "--webui-port", str(WEB_PORT))
        worker = "org.apache.spark.deploy.worker.Worker"
        self.workers = [
            self.start(
                f"worker{i}", worker, "--host", HOST, "--cores", str(self.cores), "--memory", self.memory,
                "--work-dir", str(self.scratch / f"worker{i}"), MASTER,
            )
            for i in range(2)
        ]
        self.wait_for_workers(2)
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            process.wait(timeout=30)

    def wait_for_workers(self, n: int) -> None:
        for _ in range(240):
            try:
                with urllib.request.urlopen(f"http://{HOST}:{WEB_PORT}/json/", timeout=2) as page:
                    if page.read().decode().count('"ALIVE"') >= n + 1:  # the master is alive too
                        return
            except OSError:
                pass
            time.sleep(0.5)
        sys.exit("The workers did not come up; see the logs in " + str(self.scratch))

    def submit(self, *arguments: str) -> subprocess.Popen:
        environment = dict(os.environ, SPARK_HOME=str(SPARK), SPARK_LOCAL_IP=HOST, PYSPARK_PYTHON=sys.executable)
        with open(self.scratch / "submit.log", "a", encoding="utf-8") as log:
            job = subprocess.Popen(
                [
                    str(SPARK / "bin" / "spark-submit"), "--master", MASTER, "--driver-memory", "1g",
                    "--executor-memory", self.memory, "--conf", "spark.sql.shuffle.partitions=8",
                    "--conf", f"spark.driver.host={HOST}", *arguments,
                ],
                env=environment, stdout=log, stderr=subprocess.STDOUT,
            )
        self.processes.append(job)
        return job

    def has_running_stage(self) -> bool:
        """Whether a task of the application has ended while others are to come."""
        url = f"http://{HOST}:4040/api/v1/applications"
        try:
            with urllib.request.urlopen(url, timeout=2) as page:
                application = json.load(page)[0]["id"]
            with urllib.request.urlopen(f"{url}/{application}/stages?status=active", timeout=2) as page:
                return any(stage["numCompleteTasks"] > 0 for stage in json.load(page))
        except (OSError, ValueError, IndexError, KeyError):
            return False  # not up yet


def hindsight(*arguments: str) -> str:
    return subprocess.run(["hindsight", "cells", *arguments], check=True, capture_output=True, text=True).stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log")
    parser.add_argument("mapping")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--kill", choices=["cells", "stages", "units"], help="end a worker while this query runs")
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--memory", default="1g")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    sql = ["--mapping", given.mapping, "--sql", "spark"]
    with tempfile.TemporaryDirectory() as scratch, Cluster(pathlib.Path(scratch), given.cores, given.memory) as cluster:
        for table, arguments in [("cells", sql), ("stages", [*sql, "--table", "stages", str(given.out)]), ("units", [*sql, str(given.out)])]:
            query = pathlib.Path(scratch) / f"{table}.sql"
            query.write_text(hindsight(*arguments), encoding="utf-8")
            begin, killed = time.monotonic(), None
            job = cluster.submit(str(HERE / "cells.py"), given.log, str(query), str(given.out / f"{table}.parquet"))
            while job.poll() is None:
                if given.kill == table and killed is None and cluster.has_running_stage():
                    # The worker alone: its executor notices and ends, its tasks and what they shuffled are lost.
                    cluster.workers[1].send_signal(signal.SIGKILL)
                    killed = time.monotonic() - begin
                time.sleep(0.1)
            if job.returncode != 0:
                print((pathlib.Path(scratch) / "submit.log").read_text(encoding="utf-8")[-4000:])
                sys.exit(f"{table}: Spark ended with {job.returncode}")
            note = "" if killed is None else f", a worker killed after {killed:.1f} s"
            print(f"{table}: {time.monotonic() - begin:.1f} s{note}")
        if given.kill and cluster.workers[1].poll() is None:
            sys.exit("The queries ended before a worker could be killed: take a longer log")


if __name__ == "__main__":
    main()
