"""Cells of a large log by Hindsight and by DuckDB running the query that Hindsight prints: wall time, processor
time, peak memory, and whether the tables are the same. Then the time from opening the cells to the scorecard.

    python3 benches/cells_rows.py ROWS 100
    python3 benches/cells.py target/release/hindsight ROWS [--users]

With --users, requests are added up by user too: a second reading, and a second query. Needs duckdb.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

IN_DUCKDB = """
import duckdb, sys
db = duckdb.connect()
db.execute(f"SET TimeZone = 'UTC'; SET temp_directory = '{sys.argv[1]}'")
for query, out in zip(sys.argv[2::2], sys.argv[3::2]):
    db.execute(f"COPY ({open(query).read()}) TO '{out}' (FORMAT parquet, COMPRESSION zstd)")
"""


def measured(what: str, command: list[str]) -> float:
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - start
    if status != 0:
        raise SystemExit(f"{what}: failed with {status}: {command[:4]}")
    processor = usage.ru_utime + usage.ru_stime
    print(
        f"{what}: {wall:.1f} s wall, {processor:.1f} s processor, {usage.ru_maxrss / 1e6:.2f} GB at most",
        flush=True,
    )
    return wall


def said(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def differing(ours: Path, theirs: Path) -> tuple[int, int]:
    """Rows of a table, and those that are not in the other: counts exactly, sums to 1e-12."""
    key = "segment, value, measure, arm, time_us, bin"
    same = "a.n = b.n AND abs(a.sum - b.sum) <= 1e-12 * abs(a.sum) AND abs(a.sum_sq - b.sum_sq) <= 1e-12 * abs(a.sum_sq)"
    on = " AND ".join(f"a.{column} IS NOT DISTINCT FROM b.{column}" for column in key.split(", "))
    n = duckdb.sql(f"SELECT count(*) FROM '{ours}'").fetchall()[0][0]
    other = duckdb.sql(f"SELECT count(*) FROM '{theirs}'").fetchall()[0][0]
    met = duckdb.sql(f"SELECT count(*) FROM '{ours}' a JOIN '{theirs}' b ON {on} AND {same}").fetchall()[0][0]
    return n, max(n, other) - met


def main() -> None:
    program, rows = sys.argv[1], Path(sys.argv[2])
    has_users = "--users" in sys.argv
    with tempfile.TemporaryDirectory(dir=rows.parent) as name:
        folder = Path(name)
        mapping = folder / "mapping.toml"
        first = sorted(rows.glob("*.parquet"))[0]
        said([program, "inspect", str(first), "--write-mapping", str(mapping)])
        if not has_users:
            without(mapping)
        ours, theirs = folder / "ours", folder / "theirs"
        theirs.mkdir()
        cells = ["cells", "--mapping", str(mapping)]
        wall = measured(
            "hindsight", [program, *cells, str(rows), "--every", "1h", "--out", str(ours)]
        )
        queries = []
        for table in ["cells", "units"] if has_users else ["cells"]:
            query = folder / f"{table}.sql"
            more = [str(ours), "--table", "units"] if table == "units" else ["--every", "1h"]
            sql = ["--sql", "duckdb", "--from", f"read_parquet('{rows}/*.parquet')"]
            query.write_text(said([program, *cells, *more, *sql]))
            queries += [str(query), str(theirs / f"{table}.parquet")]
        spill = str(folder / "spill")
        other = measured("duckdb", [sys.executable, "-c", IN_DUCKDB, spill, *queries])
        print(f"hindsight takes {wall / other:.2f} times the wall time of duckdb")
        n, wrong = differing(ours / "cells.parquet", theirs / "cells.parquet")
        size = sum(path.stat().st_size for path in ours.iterdir()) / 1e6
        print(f"{n:,} rows of cells, {wrong} differ; {size:.1f} MB")
        for _ in range(3):
            measured("opening to scorecard", [program, "analyze", str(ours)])


def without(mapping: Path) -> None:
    """Takes the column of users out of a mapping."""
    blocks = mapping.read_text().split("[[columns]]")
    kept = [block for block in blocks if 'role = "unit"' not in block and 'role = "user"' not in block]
    assert len(kept) == len(blocks) - 1, "the mapping names no users"
    mapping.write_text("[[columns]]".join(kept))


if __name__ == "__main__":
    main()
