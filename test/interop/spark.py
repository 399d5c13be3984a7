"""Reads tables with Apache Spark and its Delta Lake, whose jars are in the folder that is named."""

import sys
from pathlib import Path

from pyspark.sql import SparkSession

from difference import answer

settings = {
    "spark.jars": ",".join(map(str, Path(sys.argv[1]).glob("*.jar"))),
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
}
builder = SparkSession.builder.master("local[2]")
for name, value in settings.items():
    builder = builder.config(name, value)
session = builder.getOrCreate()
session.sparkContext.setLogLevel("ERROR")


def read(folder, version):
    return session.read.format("delta").option("versionAsOf", version).load(folder).toArrow()


answer(read)
