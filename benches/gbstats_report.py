"""Times gbstats on tallies, each arm against the first one, two-sided t-tests, in two ways: the full report that GrowthBook asks for
(process_experiment_results), and its tests alone, without what makes a report of them.

Reads a file of {"metrics": [{"kind": "binary" | "mean" | "ratio", "arms": [{"n", "y", "yy", "d", "dd", "yd"}]}]} and prints
one line of JSON: the seconds of each full report and of the tests of each, and the relative lifts by both, in the order of metrics
and arms.
"""

import json
import sys
import time

from gbstats.frequentist.tests import FrequentistConfig, TwoSidedTTest
from gbstats.gbstats import process_experiment_results
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


def tests(metrics, config):
    results = []
    for metric in metrics:
        arms = [statistic(metric["kind"], arm) for arm in metric["arms"]]
        for arm in arms[1:]:
            results.append(TwoSidedTTest(arms[0], arm, config).compute_result())
    return [result.expected for result in results]


def question(metrics):
    """The tallies as GrowthBook hands them over: a row per arm, with the sums of all metrics."""
    arms = range(len(metrics[0]["arms"]))
    rows = []
    for arm in arms:
        row = {"dimension": "", "variation": str(arm), "users": metrics[0]["arms"][arm]["n"], "count": metrics[0]["arms"][arm]["n"]}
        for at, metric in enumerate(metrics):
            sums = metric["arms"][arm]
            row[f"m{at}_id"] = f"metric{at}"
            row[f"m{at}_main_sum"] = sums["y"]
            row[f"m{at}_main_sum_squares"] = sums["yy"]
            if metric["kind"] == "ratio":
                row[f"m{at}_denominator_sum"] = sums["d"]
                row[f"m{at}_denominator_sum_squares"] = sums["dd"]
                row[f"m{at}_main_denominator_sum_product"] = sums["yd"]
        rows.append(row)
    settings = {}
    for at, metric in enumerate(metrics):
        settings[f"metric{at}"] = {
            "id": f"metric{at}",
            "name": f"metric{at}",
            "statistic_type": "ratio" if metric["kind"] == "ratio" else "mean",
            "main_metric_type": "binomial" if metric["kind"] == "binary" else "count",
            "denominator_metric_type": "count" if metric["kind"] == "ratio" else None,
        }
    names = [str(arm) for arm in arms]
    analysis = {
        "var_names": names,
        "var_ids": names,
        "weights": [1 / len(names)] * len(names),
        "stats_engine": "frequentist",
        "difference_type": "relative",
        "alpha": 0.05,
    }
    return {"metrics": settings, "analyses": [analysis], "query_results": [{"rows": rows, "metrics": list(settings)}]}


def report(asked):
    answers = process_experiment_results(asked)
    arms = [answer["analyses"][0]["dimensions"][0]["variations"][1:] for answer in answers]
    return [arm["expected"] for metric in arms for arm in metric]


def timed(runs, make):
    lifts = make()
    seconds = []
    for _ in range(runs):
        begun = time.perf_counter()
        lifts = make()
        seconds.append(time.perf_counter() - begun)
    return seconds, lifts


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        metrics = json.load(file)["metrics"]
    runs, config, asked = int(sys.argv[2]), FrequentistConfig(difference_type="relative", alpha=0.05), question(metrics)
    reports, of_reports = timed(runs, lambda: report(asked))
    alone, of_tests = timed(runs, lambda: tests(metrics, config))
    print(json.dumps({"reports": reports, "tests": alone, "lifts": [of_reports, of_tests]}))


main()
