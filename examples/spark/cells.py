"""Runs a query that `hindsight cells --sql spark` printed, and writes its result as a folder of Parquet files.

    spark-submit cells.py LOG QUERY.sql OUT

LOG is a file or folder of Parquet; the query reads it as `requests_log`. OUT is written whole or not at all: Spark commits a job's files at its end.
"""

import sys

from pyspark.sql import SparkSession


def main(log: str, query: str, out: str) -> None:
    spark = (
        SparkSession.builder.appName("hindsight cells")
        # Stamps without a zone are UTC, as in Hindsight.
        .config("spark.sql.session.timeZone", "UTC")
        .getOrCreate()
    )
    spark.read.parquet(log).createOrReplaceTempView("requests_log")
    with open(query, encoding="utf-8") as file:
        rows = spark.sql(file.read())
    rows.coalesce(1).write.mode("overwrite").parquet(out)
    spark.stop()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
