"""Qini curves and coefficients of random targeting scores, by scikit-uplift.

Writes data/uplift.csv. Each case: persons by falling score in bins, `control:converted:treated:converted` for each; the area between
`qini_curve` and the random line per person and treated person, and the curve's points after the first as `share:gain`, in the
units of crates/metrics/src/inference/qini.rs.
"""

import random
import warnings

import numpy as np
from sklearn.metrics import auc
from sklift.metrics import qini_curve

# scikit-uplift calls what newer versions of scikit-learn call deprecated.
warnings.simplefilter("ignore", FutureWarning)
rng = random.Random(20261129)


def case(bins):
    outcome, score, treated = [], [], []
    for place, (n_c, k_c, n_t, k_t) in enumerate(bins):
        for n, k, arm in ((n_c, k_c, 0), (n_t, k_t, 1)):
            outcome += [1] * k + [0] * (n - k)
            score += [-float(place)] * n
            treated += [arm] * n
    outcome, score, treated = np.array(outcome), np.array(score), np.array(treated)
    x, y = qini_curve(outcome, score, treated)
    persons, arm = len(outcome), int(treated.sum())
    area = auc(x, y) - auc([0, x[-1]], [0, y[-1]])
    points = [(a / persons, b / arm) for a, b in zip(x, y) if a > 0]
    return area / (persons * arm), points


def invented():
    share = rng.choice([0.05, 0.3, 0.5, 0.9])
    bins = []
    for place in range(rng.randint(2, 12)):
        persons = rng.choice([5, 40, 300])
        base, lift = rng.choice([0.02, 0.2, 0.7]), rng.uniform(-0.2, 0.3)
        treated = sum(rng.random() < share for _ in range(persons))
        control = persons - treated
        # scikit-uplift calls the curve 0 where an arm has nobody yet; here there is no such point.
        treated, control = max(treated, 1), max(control, 1)
        of = lambda n, p: sum(rng.random() < p for _ in range(n))
        bins.append((control, of(control, base), treated, of(treated, min(max(base + lift, 0), 1))))
    # scikit-uplift wants both outcomes.
    converted, persons = sum(b[1] + b[3] for b in bins), sum(b[0] + b[2] for b in bins)
    return bins if 0 < converted < persons else invented()


with open("data/uplift.csv", "w") as out:
    out.write("bins,coefficient,points\n")
    for _ in range(200):
        bins = invented()
        coefficient, points = case(bins)
        told = " ".join(":".join(map(str, bin)) for bin in bins)
        out.write(f"{told},{float(coefficient)!r},{' '.join(f'{float(a)!r}:{float(b)!r}' for a, b in points)}\n")
