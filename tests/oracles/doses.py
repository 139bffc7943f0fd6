"""Contrasts of neighbouring doses, by statsmodels.

Writes data/doses.csv. Each case: doses in ascending order, for each the persons by value, cost and number as `value:cost:persons`
(whole money; the net value of a person is value / 2 - cost); the difference of mean net value from each dose to the next with Welch's
interval of 95 % (`CompareMeans`, usevar="unequal"), and the p-values after Holm (`multipletests`).
"""

import random

import numpy as np
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

rng = random.Random(20261129)


def dose():
    """Some spend much, at a cost; most do nothing."""
    return [
        (rng.randint(20, 200), rng.randint(0, 20), rng.randint(30, 900)),
        (rng.randint(1, 40), rng.randint(0, 9), rng.randint(30, 900)),
        (0, rng.randint(0, 2), rng.randint(500, 9_000)),
    ]


with open("data/doses.csv", "w") as out:
    out.write("doses,differences,lows,highs,p_values\n")
    for _ in range(100):
        doses = [dose() for _ in range(rng.randint(2, 5))]
        net = [np.concatenate([np.full(n, value / 2 - cost) for value, cost, n in rows]) for rows in doses]
        found = []
        for lower, upper in zip(net, net[1:]):
            compared = CompareMeans(DescrStatsW(upper), DescrStatsW(lower))
            low, high = compared.tconfint_diff(usevar="unequal")
            found.append((upper.mean() - lower.mean(), low, high, compared.ttest_ind(usevar="unequal")[1]))
        differences, lows, highs, p = map(list, zip(*found))
        holm = multipletests(p, method="holm")[1]
        told = " ".join("/".join(":".join(map(str, row)) for row in rows) for rows in doses)
        columns = (" ".join(repr(float(x)) for x in column) for column in (differences, lows, highs, holm))
        out.write(",".join([told, *columns]) + "\n")
