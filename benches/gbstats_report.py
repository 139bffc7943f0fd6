"""Times gbstats on tallies: every metric of an experiment, each arm against the first one, two-sided t-tests.

Reads a file of {"metrics": [{"kind": "binary" | "mean" | "ratio", "arms": [{"n", "y", "yy", "d", "dd", "yd"}]}]} and prints
one line of JSON: the seconds of each full report and the relative lifts, in the order of metrics and arms.
"""

import json
import sys
import time

from gbstats.frequentist.tests import FrequentistConfig, TwoSidedTTest
from gbstats.models.statistics import ProportionStatistic, RatioStatistic, SampleMeanStatistic


def statistic(kind, arm):
    if kind == "binary":
        return ProportionStatistic(n=arm["n"], sum=arm["y"])
    numerator = SampleMeanStatistic(n=arm["n"], sum=arm["y"], sum_squares=arm["yy"])
    if kind == "mean":
        return numerator
    return RatioStatistic(
        n=arm["n"],
        m_statistic=numerator,
        d_statistic=SampleMeanStatistic(n=arm["n"], sum=arm["d"], sum_squares=arm["dd"]),
        m_d_sum_of_products=arm["yd"],
    )


def report(metrics, config):
    results = []
    for metric in metrics:
        arms = [statistic(metric["kind"], arm) for arm in metric["arms"]]
        for arm in arms[1:]:
            results.append(TwoSidedTTest(arms[0], arm, config).compute_result())
    return results


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        metrics = json.load(file)["metrics"]
    config = FrequentistConfig(difference_type="relative", alpha=0.05)
    report(metrics, config)
    seconds = []
    for _ in range(int(sys.argv[2])):
        begun = time.perf_counter()
        results = report(metrics, config)
        seconds.append(time.perf_counter() - begun)
    print(json.dumps({"seconds": seconds, "lifts": [result.expected for result in results]}))


main()
