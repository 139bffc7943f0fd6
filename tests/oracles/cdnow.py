"""BG/NBD and Gamma-Gamma of the CDNOW sample, from its purchases to the day: what the test of /clv holds answers to."""

from collections import defaultdict
from datetime import date
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

END = date(1997, 9, 30)
SAMPLE = Path(__file__).parents[2] / "data" / "cdnow" / "CDNOW_sample.txt"


def customers():
    """x, t_x and T in weeks of days / 7, and the spend after the first day. Purchases of one day count as one."""
    days = defaultdict(lambda: defaultdict(float))
    for line in SAMPLE.read_text().splitlines():
        _, customer, day, _, dollars = line.split()
        day = date(int(day[:4]), int(day[4:6]), int(day[6:]))
        if day <= END:
            days[customer][day] += float(dollars)
    rows = []
    for spent in days.values():
        first, last = min(spent), max(spent)
        later = sum(value for day, value in spent.items() if day > first)
        rows.append((len(spent) - 1, (last - first).days / 7, (END - first).days / 7, later))
    return map(np.array, zip(*rows))


def fit(loss, start):
    found = np.log(start)
    for _ in range(3):
        options = dict(xatol=1e-12, fatol=1e-13, maxiter=20_000, maxfev=20_000)
        found = minimize(loss, found, method="Nelder-Mead", options=options).x
    return np.exp(found), -loss(found)


x, tx, T, spend = customers()
more = np.maximum(x, 1)


def purchases_loss(logs):
    r, alpha, a, b = np.exp(logs)
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b)
    stays = common + betaln(a, b + x) - (r + x) * np.log(alpha + T)
    left = common + betaln(a + 1, b + more - 1) - (r + x) * np.log(alpha + tx)
    return -np.sum(np.where(x > 0, np.logaddexp(stays, left), stays))


def spend_loss(logs):
    p, q, v = np.exp(logs)
    n = x[x > 0]
    m = spend[x > 0] / n
    terms = gammaln(p * n + q) - gammaln(p * n) - gammaln(q) + q * np.log(v) + (p * n - 1) * np.log(m)
    return -np.sum(terms + p * n * np.log(n) - (p * n + q) * np.log(v + m * n))


(r, alpha, a, b), likelihood = fit(purchases_loss, [0.25, 4.4, 0.8, 2.4])
(p, q, v), spend_likelihood = fit(spend_loss, [6.0, 3.7, 15.0])
print("r, alpha, a, b, log-likelihood:", *map(float, (r, alpha, a, b, likelihood)))
print("p, q, v, log-likelihood:", *map(float, (p, q, v, spend_likelihood)))

alive = 1 / (1 + np.where(x > 0, a / (b + more - 1) * ((alpha + T) / (alpha + tx)) ** (r + x), 0))


def expected(t):
    power = ((alpha + T) / (alpha + T + t)) ** (r + x)
    series = hyp2f1(r + x, b + x, a + b + x - 1, t / (alpha + T + t))
    return (a + b + x - 1) / (a - 1) * (1 - power * series) * alive


mean = p * (v + spend) / (p * x + q - 1)
print("alive, purchases of 39 weeks:", float(alive.sum()), float(expected(39).sum()))
steps = (mean * (expected(4 * i) - expected(4 * (i - 1))) / 1.01**i for i in range(1, 13))
print("value of 12 periods of 4 weeks at 1 %:", float(sum(steps).sum()))
