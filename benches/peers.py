#!/usr/bin/env python3
"""Times Hindsight and DuckDB on the same made-up request log, in turn, and compares medians.

    pip install numpy pyarrow duckdb
    cargo build --release
    benches/peers.py [ROWS] [ROUNDS]        # 10,000,000 rows and 5 rounds unless told otherwise

DuckDB computes requests, error share, three exact latency quantiles, rating mean, variance and count,
exact distinct users and tokens by arm. Hindsight opens the log and computes everything that
`hindsight analyze --json` prints: the same figures among them. Data stay in target/peers.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "target" / "peers"
HINDSIGHT = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "hindsight"

QUERY = """
import sys, duckdb
path = sys.argv[1]
source = f"read_parquet('{path}')" if path.endswith("parquet") else f"read_csv('{path}')"
print(duckdb.sql(f'''
    select variant, count(*), avg((status >= 500)::int), quantile_disc(latency_ms, [.5, .95, .99]),
        avg(rating), var_samp(rating), count(rating), count(distinct user_id), sum(completion_tokens)
    from {source} group by 1''').fetchall())
"""


def generate(n, stem):
    """A canary whose share grows in six stages over three days; one user in twenty requests."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    rng = np.random.default_rng(7)
    stamps = 1_765_000_000_000 + np.cumsum(rng.exponential(3 * 86_400_000 / n, n)).astype("int64")
    user = rng.integers(0, max(10, n // 20), n)
    share = np.array([0.01, 0.05, 0.10, 0.25, 0.5, 0.5])[np.minimum(5, np.arange(n) * 6 // n)]
    canary = (user * 2_654_435_761 % 10_000) / 10_000 < share
    latency = np.exp(rng.normal(np.where(canary, 6.9, 6.75), 0.6)).round(1)
    failed = rng.random(n) < np.where(canary, 0.021, 0.018)
    rated = rng.random(n) < 0.08
    rating = np.clip(np.round(rng.normal(np.where(canary, 4.0, 4.05), 0.9)), 1, 5)
    regions = np.array(["us-east-1", "us-west-2", "eu-west-1", "ap-northeast-2"])
    table = pa.table({
        "timestamp": pa.array(stamps, pa.timestamp("ms", "UTC")),
        "request_id": pa.array([f"r{i:09d}" for i in range(n)]),
        "user_id": pa.array([f"u{u}" for u in user]),
        "variant": pa.array(np.where(canary, "canary", "stable")),
        "status": pa.array(np.where(failed, 500, 200)),
        "latency_ms": pa.array(latency),
        "rating": pa.array(rating, mask=~rated),
        "prompt_tokens": pa.array(rng.integers(50, 4000, n)),
        "completion_tokens": pa.array(rng.gamma(2, 150, n).astype("int64")),
        "region": pa.array(regions[user % 4]),
    })
    pa.parquet.write_table(table, f"{stem}.parquet", compression="zstd")
    pa.csv.write_csv(table, f"{stem}.csv")


def run(command):
    """Wall seconds, processor seconds and peak MB of a process."""
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{command[0]} failed with {child.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def compare(path, rounds):
    commands = {
        "hindsight": [HINDSIGHT, "analyze", path, "--json"],
        "duckdb": [sys.executable, "-c", QUERY, str(path)],
    }
    found = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            found[name].append(run(command))
    medians = {}
    for name, runs in found.items():
        medians[name] = [statistics.median(values) for values in zip(*runs)]
        wall, processor, peak = medians[name]
        print(f"{path.suffix[1:]:8} {name:10} {wall:7.2f} s  {processor:7.2f} s of processor  {peak:6.0f} MB")
    ratios = [a / b for a, b in zip(medians["hindsight"], medians["duckdb"])]
    print(f"{path.suffix[1:]:8} ratio      {ratios[0]:7.2f}    {ratios[1]:7.2f}                 {ratios[2]:6.2f}")


def main():
    if sys.argv[1:2] == ["generate"]:
        return generate(int(sys.argv[2]), sys.argv[3])
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    DATA.mkdir(parents=True, exist_ok=True)
    stem = DATA / f"requests-{n}"
    paths = [stem.with_name(f"{stem.name}.{kind}") for kind in ("parquet", "csv")]
    if not all(path.exists() for path in paths):
        # In a process of its own: the peak memory of a child counts that of the parent it came from.
        subprocess.run([sys.executable, __file__, "generate", str(n), str(stem)], check=True)
    for path in paths:
        compare(path, rounds)


if __name__ == "__main__":
    main()
