"""Power, families of p-values, sample ratios, segments, survival, customer lifetime value: the other files of data/."""

import random
import warnings
from pathlib import Path

import autograd.numpy as anp
import numpy as np
from autograd import grad, hessian
from autograd.scipy.special import gammaln
from lifelines import KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
from lifetimes import BetaGeoFitter
from scipy import optimize, special, stats
from ssrm_test.ssrm_test import sequential_p_values
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestIndPower

SEED = 20240608


def write(name, header, rows):
    field = lambda value: repr(value) if isinstance(value, float) else str(value)
    lines = [header] + [",".join(map(field, row)) for row in rows]
    Path(__file__).with_name("data").joinpath(name).write_text("\n".join(lines) + "\n")
    print(name, len(rows))


def floats(*values):
    return [float(value) for value in values]


def power(rng):
    """scipy's noncentral t at Welch's degrees of freedom; equal arms of equal variance also by statsmodels."""
    rows = []
    for index in range(120):
        conversion, share = index % 2 == 0, rng.choice([0.5, 0.5, 0.3, 0.1, 0.05, 0.95])
        confidence, target = rng.choice([0.95, 0.9, 0.99]), rng.choice([0.8, 0.9, 0.5])
        rate, variance = 10 ** rng.uniform(-2.5, -0.3), 10 ** rng.uniform(-1, 3)
        effect = rate * rng.choice([0.05, 0.2, -0.1]) if conversion else variance**0.5 * rng.choice([0.03, 0.2, -0.5])
        s_c, s_t = (rate * (1 - rate), (rate + effect) * (1 - rate - effect)) if conversion else (variance, variance)
        alpha = 1 - confidence

        def at(persons):
            n_c, n_t = persons * (1 - share), persons * share
            v_c, v_t = s_c / n_c, s_t / n_t
            df = (v_c + v_t) ** 2 / (v_c**2 / (n_c - 1) + v_t**2 / (n_t - 1))
            shift, critical = effect / (v_c + v_t) ** 0.5, stats.t.isf(alpha / 2, df)
            return stats.nct.sf(critical, df, abs(shift)) + stats.nct.sf(critical, df, -abs(shift))

        z = stats.norm.isf(alpha / 2) + stats.norm.isf(1 - target)
        textbook = z * z * (s_c + s_t * (1 - share) / share) / effect**2
        # Where scipy's noncentral t is reliable: not more than some 1e5 degrees of freedom.
        guess = textbook / (1 - share)
        if guess > 2e5 or guess * min(share, 1 - share) < 5:
            continue
        needed = optimize.brentq(lambda n: at(n) - target, guess * 0.9, guess * 1.5, xtol=1e-12, rtol=1e-14)
        persons = float(round(guess * rng.choice([0.5, 1, 2])) + 10)
        if share == 0.5 and not conversion:
            peer = TTestIndPower().power(effect / variance**0.5, persons / 2, alpha)
            assert abs(peer / at(persons) - 1) < 1e-9, (peer, at(persons))
        rows.append(["rate" if conversion else "variance", *floats(
            rate if conversion else variance, confidence, share, effect, persons, at(persons), target, needed,
            textbook)])
    write("power.csv", "kind,baseline,confidence,share,effect,persons,power,target,persons_needed,textbook", rows)


def families(rng):
    """statsmodels multipletests."""
    rows = []
    for index in range(150):
        p = [10 ** rng.uniform(-12, 0) if rng.random() < 0.5 else rng.random() for _ in range(rng.randrange(1, 25))]
        if len(p) > 3 and index % 3 == 0:
            p[1] = p[0]
        spaced = lambda values: " ".join(repr(float(value)) for value in values)
        adjusted = (multipletests(p, method=method)[1] for method in ("holm", "fdr_bh"))
        rows.append([spaced(p), *map(spaced, adjusted)])
    write("families.csv", "p,holm,benjamini_hochberg", rows)


def sample_ratios(rng):
    """scipy chisquare."""
    rows = []
    for index in range(200):
        arms = rng.randrange(2, 6)
        weights = [rng.choice([1, 1, 2, 9, 19]) for _ in range(arms)]
        n = 10 ** rng.uniform(1, 8)
        skew = rng.choice([0, 0, 0.01, 0.1])
        mean = lambda weight: n * weight / sum(weights) * (1 + skew * rng.uniform(-1, 1))
        observed = [max(0, round(mean(weight) + rng.gauss(0, 1) * (n / arms) ** 0.5)) for weight in weights]
        if sum(observed) == 0:
            continue
        expected = np.array(weights) / sum(weights) * sum(observed)
        found = stats.chisquare(observed, expected)
        spaced = lambda values: " ".join(str(value) for value in values)
        rows.append([spaced(observed), spaced(weights), *floats(found.statistic, found.pvalue)])
    write("sample_ratio.csv", "observed,weights,chi_square,p", rows)


def sample_ratio_streams(rng):
    """ssrm-test: the anytime-valid p-value, the smallest over the days so far, concentration 10 000 (the package's)."""
    rows = []
    for index in range(60):
        arms = rng.randrange(2, 4)
        weights = [rng.choice([1, 1, 2, 9]) for _ in range(arms)]
        drift = rng.choice([0, 0, 0.05, 0.2])
        true = [w * (1 + drift * (i == 0)) for i, w in enumerate(weights)]
        days = []
        for _ in range(rng.randrange(2, 15)):
            drawn = rng.choices(range(arms), true, k=rng.randrange(1, 800))
            days.append([drawn.count(arm) for arm in range(arms)])
        null = np.array(weights) / sum(weights)
        found = sequential_p_values(np.array(days), null)
        rows.append([" ".join(":".join(map(str, day)) for day in days), " ".join(map(str, weights)), float(found[-1])])
    write("sample_ratio_streams.csv", "days,weights,p", rows)


def segments(rng):
    """statsmodels combine_effects; the between variance of Paule and Mandel is brought to its fixed point by scipy."""
    rows = []
    for index in range(100):
        k, between = rng.randrange(2, 12), rng.choice([0, 0.02, 0.2])
        errors = [10 ** rng.uniform(-2.5, -0.5) for _ in range(k)]
        effects = [0.05 + rng.gauss(0, between) + rng.gauss(0, error) for error in errors]
        e, v = np.array(effects), np.array(errors) ** 2
        found = combine_effects(e, v, method_re="iterated")
        spread = lambda t: (((e - (e / (v + t)).sum() / (1 / (v + t)).sum()) ** 2) / (v + t)).sum() - (k - 1)
        tau2 = optimize.brentq(spread, 0, ((e - e.mean()) ** 2).sum() * 10, xtol=1e-18) if spread(0) > 0 else 0.0
        assert abs(tau2 - found.tau2) < 1e-2 * max(tau2, 1e-5), (tau2, found.tau2)
        w = 1 / (v + tau2)
        spaced = lambda values: " ".join(repr(float(value)) for value in values)
        rows.append([spaced(effects), spaced(errors), *floats(
            found.q, stats.chi2.sf(found.q, k - 1), tau2, (w * e).sum() / w.sum(), w.sum() ** -0.5)])
    write("segments.csv", "effects,errors,q,p,between_variance,common,common_error", rows)


def survival(rng):
    """lifelines: the first arm's curve at three times with its log(-log) interval; the log-rank test of all arms."""
    rows = []
    while len(rows) < 80:
        arms = []
        for _ in range(rng.choice([2, 2, 3, 4])):
            n, hazard, window = rng.choice([5, 30, 300]), rng.uniform(0.01, 0.2), rng.choice([20, 60])
            times = [(int(rng.expovariate(hazard)) + 1, rng.randrange(1, window)) for _ in range(n)]
            arms.append([(min(t, c), int(t <= c)) for t, c in times])
        curve = KaplanMeierFitter(alpha=0.05).fit(*zip(*arms[0]))
        points = [t for t, e in sorted(set(arms[0])) if e and 0 < curve.predict(t) < 1]
        everyone = [(t, e, arm) for arm, persons in enumerate(arms) for t, e in persons]
        if len(points) < 3 or sum(e for _, e, _ in everyone) < 5:
            continue
        chosen = [points[0], points[len(points) // 2], points[-1]]
        at = [[t, curve.predict(t), *curve.confidence_interval_survival_function_.loc[t]] for t in chosen]
        t, e, arm = zip(*everyone)
        test = multivariate_logrank_test(t, arm, e)
        count = lambda persons, t, event: sum(1 for person in persons if person == (t, event))
        field = lambda persons: " ".join(
            f"{t}:{count(persons, t, 1)}:{count(persons, t, 0)}" for t in sorted({t for t, _ in persons}))
        rows.append(["/".join(map(field, arms)), " ".join(":".join(map(repr, [p[0], *floats(*p[1:])])) for p in at),
                     *floats(test.test_statistic, test.p_value)])
    write("survival.csv", "arms,curve,chi_square,p", rows)


def customers(rng):
    """Weekly cells (x, t_x, T, persons, spend), the spend on a grid of 5 %, so that a bucket of 1 % holds one value.

    BG/NBD and Gamma-Gamma by maximum likelihood: scipy's trust region with exact derivatives by autograd.
    """
    rows = []
    for persons, (r, alpha, a, b), (p, q, v) in [
        (900, (0.8, 6.0, 0.9, 3.0), (3.0, 4.0, 30.0)),
        (1_500, (0.25, 4.5, 0.8, 2.5), (6.0, 3.7, 15.0)),
        (700, (2.0, 9.0, 0.4, 1.2), (1.5, 6.0, 80.0)),
        (1_200, (1.2, 2.0, 2.5, 4.0), (4.0, 2.5, 10.0)),
        (20_000, (0.6, 5.0, 1.1, 2.0), (5.0, 5.0, 40.0)),
    ]:
        cells = {}
        for _ in range(persons):
            age = rng.randrange(10, 14) * 4
            rate, leaves, scale = rng.gammavariate(r, 1 / alpha), rng.betavariate(a, b), rng.gammavariate(q, 1 / v)
            time, x, last, spend = 0.0, 0, 0, 0.0
            while (time := time + rng.expovariate(rate)) < age:
                x, last, spend = x + 1, int(time), spend + rng.gammavariate(p, 1 / scale)
                if rng.random() < leaves:
                    break
            grid = round(1.05 ** round(np.log(max(spend, 0.02)) / np.log(1.05)), 2) if x else 0
            key = (x, last, age, round(grid * 1_000_000))
            cells[key] = cells.get(key, 0) + 1
        keys = sorted(cells)
        x, tx, T, s = (np.array([float(key[i]) for key in keys]) for i in range(4))
        n = np.array([float(cells[key]) for key in keys])
        s = s / 1e6
        first = np.maximum(x, 1)

        def purchases(log):
            r, alpha, a, b = anp.exp(log)
            common = (gammaln(r + x) - gammaln(r) + r * anp.log(alpha)
                      + gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x))
            there = -(r + x) * anp.log(alpha + T)
            left = anp.log(a) - anp.log(b + first - 1) - (r + x) * anp.log(alpha + tx)
            return -anp.sum(n * (common + anp.where(x > 0, anp.logaddexp(there, left), there)))

        buys = x > 0
        bx, bs, bn = x[buys], s[buys], n[buys]

        def spends(log):
            p, q, v = anp.exp(log)
            m = bs / bx
            return -anp.sum(bn * (
                gammaln(p * bx + q) - gammaln(p * bx) - gammaln(q) + q * anp.log(v)
                + (p * bx - 1) * anp.log(m) + p * bx * anp.log(bx) - (p * bx + q) * anp.log(v + m * bx)))

        fit = lambda f, start: optimize.minimize(
            f, np.log(start), jac=grad(f), hess=hessian(f), method="trust-exact", options={"gtol": 1e-8})
        bg, gg = fit(purchases, [r, alpha, a, b]), fit(spends, [p, q, v])
        r, alpha, a, b = np.exp(bg.x)
        p, q, v = np.exp(gg.x)
        peer = BetaGeoFitter().fit(x, tx, T, weights=n).params_
        assert np.allclose(peer[["r", "alpha", "a", "b"]], [r, alpha, a, b], rtol=1e-3), (peer, r, alpha, a, b)
        alive = 1 / (1 + np.where(x > 0, a / (b + first - 1) * ((alpha + T) / (alpha + tx)) ** (r + x), 0))
        expected = lambda t: (a + b + x - 1) / (a - 1) * (
            1 - ((alpha + T) / (alpha + T + t)) ** (r + x)
            * special.hyp2f1(r + x, b + x, a + b + x - 1, t / (alpha + T + t))) * alive
        value = p * (v + s) / (p * x + q - 1)
        month = 4.345
        clv = sum((expected(i * month) - expected((i - 1) * month)) * value / 1.01**i for i in range(1, 13))
        rows.append([" ".join(":".join(map(str, (*k[:3], cells[k], k[3]))) for k in keys), *floats(
            r, alpha, a, b, -bg.fun, p, q, v, -gg.fun, (n * alive).sum(), (n * expected(26.0)).sum(), (n * clv).sum())])
    write("customers.csv",
          "cells,r,alpha,a,b,log_likelihood,p,q,v,spend_log_likelihood,alive,purchases_26,clv_12", rows)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    for make in (power, families, sample_ratios, sample_ratio_streams, segments, survival, customers):
        make(random.Random(f"{SEED} {make.__name__}"))
