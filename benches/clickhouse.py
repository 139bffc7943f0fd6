"""Times ClickHouse, as chdb runs it in this process, on one metric of an experiment: revenue a person.

Loads a CSV of events (person, id, name, occurred_at in microseconds, value in 1e-6, experiment, arm) into a table that is
sorted for exactly this question, and prints one line of JSON: the seconds of each try and the sums per arm, by experiment.
"""

import json
import sys
import tempfile
import time

from chdb import session

COLUMNS = "person String, id UUID, name LowCardinality(String), at Int64, value Int64, experiment LowCardinality(String), arm LowCardinality(String)"

QUESTION = """
SELECT arm, count() AS persons, toString(sum(toInt128(y))) AS y_sum, toString(sum(toInt128(y) * y)) AS yy_sum
FROM (
    SELECT x.person AS person, any(x.own_arm) AS arm,
        sumIf(if(a.name = 'Order Completed', a.value, -abs(a.value)),
            a.at >= x.exposed_at AND a.at < x.exposed_at + {window}) AS y
    FROM (
        SELECT person, argMin(arm, (at, id)) AS own_arm, min(at) AS exposed_at
        FROM bench.event
        WHERE name = 'Experiment Viewed' AND experiment = '{experiment}' AND at >= {starts_at}
        GROUP BY person
    ) AS x
    LEFT JOIN (
        SELECT person, name, at, value FROM bench.event WHERE name IN ('Order Completed', 'Order Refunded')
    ) AS a ON a.person = x.person
    GROUP BY x.person
)
GROUP BY arm ORDER BY arm
"""


def main():
    events, window, starts_at, runs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    with tempfile.TemporaryDirectory() as folder:
        clickhouse = session.Session(folder)
        clickhouse.query("CREATE DATABASE bench ENGINE = Atomic")
        clickhouse.query(
            f"CREATE TABLE bench.event ({COLUMNS}) ENGINE = MergeTree ORDER BY (name, experiment, person, at)"
        )
        clickhouse.query(f"INSERT INTO bench.event SELECT * FROM file('{events}', 'CSV', '{COLUMNS}')")
        clickhouse.query("OPTIMIZE TABLE bench.event FINAL")
        found = {}
        for experiment in sys.argv[5:]:
            question = QUESTION.format(window=window, starts_at=starts_at, experiment=experiment)
            rows = [json.loads(line) for line in str(clickhouse.query(question, "JSONEachRow")).splitlines()]
            seconds = []
            for _ in range(runs):
                begun = time.perf_counter()
                clickhouse.query(question, "JSONEachRow")
                seconds.append(time.perf_counter() - begun)
            found[experiment] = {"seconds": seconds, "arms": rows}
        version = str(clickhouse.query("SELECT version()", "TabSeparated")).strip()
        rows = int(str(clickhouse.query("SELECT count() FROM bench.event", "TabSeparated")).strip())
    print(json.dumps({"version": version, "rows": rows, "experiments": found}))


main()
