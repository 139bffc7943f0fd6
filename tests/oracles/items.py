"""What items are to be expected to do: inverse-probability weighted means, and rates shrunken by empirical Bayes.

Writes data/drawn.csv: arms in which each person's item was drawn with known probabilities; for each item its persons as
`millionths:value:persons` (the inverse of the probability, the whole value), and Hajek's mean with its interval of 95 %: weighted least
squares of statsmodels on a constant, with heteroscedasticity-consistent errors (HC1).

Writes data/shrunken.csv: `converted:persons` of items; mean and weight of the beta distribution under which they are most likely (scipy's
`betabinom`, maximised by Nelder and Mead, then the root of the score), and for each item the expected rate with its interval of 95 %: the beta distribution with the
posterior's mean and its variance plus that of the mean times the squared share that comes from the mean.
"""

import random
from collections import Counter

import numpy as np
import statsmodels.api as sm
from scipy.optimize import minimize, root
from scipy.special import digamma
from scipy.stats import beta, betabinom

rng = random.Random(20261129)


def drawn(items):
    """Persons of an arm: two kinds, each with its own probabilities of items and its own propensity to buy."""
    chances = [[rng.randint(1, 9) for _ in range(items)] for _ in range(2)]
    counts = [Counter() for _ in range(items)]
    for _ in range(rng.choice([400, 2_000])):
        kind = rng.randrange(2)
        chance = [c / sum(chances[kind]) for c in chances[kind]]
        item = rng.choices(range(items), chance)[0]
        buys = rng.random() < 0.1 + 0.3 * kind + 0.05 * item
        inverse = round(1e6 / round(chance[item], 6))
        counts[item][(inverse, rng.randint(1, 200) if buys else 0)] += 1
    return counts


def hajek(count):
    rows = [(inverse / 1e6, value) for (inverse, value), n in count.items() for _ in range(n)]
    v, y = np.array(rows).T
    fit = sm.WLS(y, np.ones(len(y)), weights=v).fit(cov_type="HC1", use_t=False)
    return [fit.params[0], *fit.conf_int()[0]]


with open("data/drawn.csv", "w") as out:
    out.write("items,means,lows,highs\n")
    for _ in range(40):
        counts = drawn(rng.randint(2, 4))
        found = [hajek(count) for count in counts]
        told = " ".join("/".join(f"{v}:{y}:{n}" for (v, y), n in sorted(count.items())) for count in counts)
        columns = (" ".join(repr(float(x)) for x in column) for column in zip(*found))
        out.write(",".join([told, *columns]) + "\n")


def shrunken(items):
    k, n = np.array(items).T

    def loss(at):
        a, b = np.exp(at)
        return -betabinom.logpmf(k, n, a, b).sum()

    def score(at):
        a, b = np.exp(at)
        both = digamma(a + b) - digamma(a + b + n)
        return [a * (digamma(a + k) - digamma(a) + both).sum(), b * (digamma(b + n - k) - digamma(b) + both).sum()]

    # Near the maximum the likelihood is flat: its digits are those of the root of its slope.
    near = minimize(loss, [0.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-6}).x
    a, b = np.exp(root(score, near, tol=1e-13).x)
    m, mean = a + b, a / (a + b)
    of_mean = mean * (1 - mean) / (n * (m + 1) / (m + n)).sum()
    value = (a + k) / (m + n)
    variance = value * (1 - value) / (m + n + 1) + (m / (m + n)) ** 2 * of_mean
    weight = value * (1 - value) / variance - 1
    ends = [beta.ppf(q, value * weight, (1 - value) * weight) for q in (0.025, 0.975)]
    return m, [mean, m], [value, *ends]


with open("data/shrunken.csv", "w") as out:
    out.write("items,spread,values,lows,highs\n")
    written = 0
    while written < 60:
        shape = rng.choice([(2, 18), (5, 5), (1, 60), (8, 300)])
        persons = [rng.choice([20, 150, 2_000]) for _ in range(rng.randint(4, 40))]
        rates = [rng.betavariate(*shape) for _ in persons]
        items = [(sum(rng.random() < p for _ in range(n)), n) for p, n in zip(rates, persons)]
        m, spread, columns = shrunken(items)
        # Items that differ no more than chance makes them have no such distribution.
        if m > 2_000:
            continue
        told = " ".join(f"{k}:{n}" for k, n in items)
        texts = (" ".join(repr(float(x)) for x in column) for column in [spread, *columns])
        out.write(",".join([told, *texts]) + "\n")
        written += 1
