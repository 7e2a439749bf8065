"""Made-up rows for the benchmark of cells: a week of two arms with outcomes, latencies, ratings, tokens, costs,
users and two columns of segment values, in Parquet files of ten million rows.

    python3 benches/cells_rows.py FOLDER MILLIONS
"""

import sys
from pathlib import Path

import duckdb

PART = 10_000_000
WEEK_S = 7 * 86_400
FIRST_S = 1_735_689_600  # 2025-01-01

QUERY = """
COPY (
  SELECT
    make_timestamp(({first} + second) * 1000000 + us) AS ts,
    CASE WHEN user % 2 = 0 THEN 'v1' ELSE 'v2' END AS variant,
    'u' || user AS user_id,
    CASE WHEN a < 0.01 THEN '503' WHEN a < 0.013 THEN '429' ELSE '200' END AS status,
    round(200 - (900 + 50 * (user % 2)) * ln(1 - b), 1) AS latency_ms,
    CASE WHEN c < 0.1 THEN CAST(1 + floor(c * 50) AS INT) END AS rating,
    CAST(20 + floor(-300 * ln(1 - d)) AS INT) AS tokens_out,
    round(0.0001 * (20 + floor(-300 * ln(1 - d))), 4) AS cost,
    'r' || CAST(floor(8 * e * e) AS INT) AS region,
    ['free', 'team', 'enterprise'][1 + user % 3] AS tier
  FROM (
    SELECT
      ({part} * {size} + i) * {week} // {rows} AS second,
      CAST(floor(random() * 1000000) AS INT) AS us,
      CAST(floor(random() * random() * 1000000) AS INT) AS user,
      random() AS a, random() AS b, random() AS c, random() AS d, random() AS e
    FROM range({size}) t(i)
  )
) TO '{path}' (FORMAT parquet, COMPRESSION zstd)
"""


def main() -> None:
    folder, millions = Path(sys.argv[1]), int(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    rows = millions * 1_000_000
    size = min(PART, rows)
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'; SET threads = 1; SELECT setseed(0.1)")
        for part in range(rows // size):
            path = folder / f"part-{part:02}.parquet"
            values = {
                "first": FIRST_S,
                "week": WEEK_S,
                "part": part,
                "size": size,
                "rows": rows,
                "path": path,
            }
            db.execute(QUERY.format(**values))
            print(path, path.stat().st_size // 1_000_000, "MB", flush=True)


if __name__ == "__main__":
    main()
