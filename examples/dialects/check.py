"""Runs the queries that `hindsight cells --sql` prints, each translated by sqlglot from its engine's dialect to DuckDB's, and compares their results
with the cells that the program makes itself.

    pip install duckdb sqlglot
    python check.py LOG.parquet [ENGINE ...]

Needs `hindsight` on the path. Engines: trino and bigquery unless named. This tells that a query's structure, names and functions mean what they are
meant to, as far as sqlglot knows the dialect; not how an engine's types overflow, nor what it refuses.
"""

import pathlib
import subprocess
import sys
import tempfile

import duckdb
import sqlglot

CELLS = ["segment", "value", "measure", "arm", "time_us", "bin"]
UNITS = ["segment", "value", "measure", "bin", "scope", "arm_a", "from_a_us", "arm_b", "from_b_us"]
# Per table: what tells rows apart, what must be equal, what must be so to 1e-12 of itself.
TABLES = {
    "cells": (CELLS, ["version", "width_us", "n", "first_us", "last_us"], ["sum", "sum_sq"]),
    "stages": (CELLS, ["version", "width_us", "n", "first_us", "last_us"], ["sum", "sum_sq"]),
    "units": (UNITS, ["version", "n_units"], ["num", "den", "num_num", "num_den", "den_num", "den_den"]),
}


def hindsight(*arguments: str) -> str:
    return subprocess.run(["hindsight", *arguments], check=True, capture_output=True, text=True).stdout


def differences(connection: duckdb.DuckDBPyConnection, table: str, own: str, other: str) -> str:
    keys, exact, sums = TABLES[table]
    same_row = " AND ".join(f"a.{key} IS NOT DISTINCT FROM b.{key}" for key in keys)
    lone = f"SELECT COUNT(*) FROM '{own}' a FULL JOIN '{other}' b ON {same_row} WHERE a.version IS NULL OR b.version IS NULL"
    unequal = " OR ".join(f"a.{column} IS DISTINCT FROM b.{column}" for column in exact)
    gap = ", ".join(f"ABS(a.{column} - b.{column}) / GREATEST(ABS(a.{column}), ABS(b.{column}), 1e-300)" for column in sums)
    both = f"SELECT COUNT(*), COUNT(*) FILTER ({unequal}), MAX(GREATEST({gap})) FROM '{own}' a JOIN '{other}' b ON {same_row}"
    (n_lone,), (n_rows, n_unequal, most) = (connection.execute(query).fetchone() for query in (lone, both))
    told = f"{n_rows:,} rows, {n_lone} in one alone, {n_unequal} with another count, sums to {most or 0:.1e}"
    return told if n_lone == n_unequal == 0 and (most or 0) <= 1e-12 else "DIFFERENT: " + told


def main(log: str, engines: list[str]) -> None:
    is_same = True
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        mapping, own = str(folder / "mapping.toml"), folder / "cells"
        hindsight("inspect", log, "--write-mapping", mapping)
        hindsight("cells", log, "--mapping", mapping, "--out", str(own))
        for engine in engines:
            for table in TABLES:
                # The other queries are told by the cells.
                of_cells = [] if table == "cells" else [str(own), "--table", table]
                query = hindsight("cells", *of_cells, "--mapping", mapping, "--sql", engine)
                connection = duckdb.connect()
                connection.execute("SET TimeZone = 'UTC'")
                connection.execute(f"CREATE VIEW requests_log AS SELECT * FROM read_parquet('{log}')")
                other = folder / f"{engine}-{table}.parquet"
                translated = sqlglot.transpile(query, read=engine, write="duckdb")[0]
                connection.execute(f"COPY ({translated}) TO '{other}' (FORMAT parquet)")
                told = differences(connection, table, str(own / f"{table}.parquet"), str(other))
                is_same &= not told.startswith("DIFFERENT")
                print(f"{engine} {table}: {told}", flush=True)
    sys.exit(0 if is_same else 1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] or ["trino", "bigquery"])
