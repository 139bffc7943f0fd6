"""Comparisons of two arms at a fixed horizon, and the plain confidence sequence: writes data/comparisons.csv.

Everything up to the last step is exact: means, covariances and their polynomials are fractions of whole numbers, taken
from the definitions over persons. Then 50 digits (mpmath), and Student's tails by scipy.

Columns: kind, label, confidence, sums of control, sums of the arm, and, where it exists (else -):
 difference, its standard error, Welch's degrees of freedom, two-sided p (below 1e-300: 0), interval of the
 difference (2), lift, its standard error (delta method), its interval (2), Fieller's interval (2; "open" where the set
 is not an interval),
 half-width and p of the plain confidence sequence of the difference with N* = 5000.
"""

from fractions import Fraction as F
from pathlib import Path

import mpmath as mp
from scipy import stats

from tallies import UNIT, sums, tallies

mp.mp.dps = 50
TUNING = 5000


class Arm:
    """Means and the sample covariance matrix of an arm's numbers, in units of one."""

    def __init__(self, arm):
        self.n = sum(count for count, _ in arm)
        width = len(arm[0][1])
        self.mean = [F(sum(count * person[i] for count, person in arm), self.n * UNIT) for i in range(width)]
        self.products = [
            [sum(count * (F(person[i], UNIT) - self.mean[i]) * (F(person[j], UNIT) - self.mean[j])
                 for count, person in arm)
             for j in range(width)]
            for i in range(width)
        ]

    def covariance(self, i, j):
        return self.products[i][j] / (self.n - 1)

    def form(self, left, right):
        """The covariance of the means of two linear combinations of a person's numbers."""
        width = range(len(self.mean))
        parts = (left[i] * right[j] * self.covariance(i, j) for i in width for j in width if left[i] and right[j])
        return sum(parts, F(0)) / self.n


def linear(kind, arm):
    """The KPI, its gradient in a person's numbers, the covariate's KPI and gradient."""
    if kind in ("mean", "conversion"):
        return arm.mean[0], [1], 0, [0]
    if kind == "cuped":
        return arm.mean[0], [1, 0], arm.mean[1], [0, 1]
    y, d = arm.mean[0], arm.mean[1]
    if d == 0:
        return None
    ratio, gradient = y / d, [1 / d, -y / d**2]
    if kind == "ratio":
        return ratio, gradient, 0, [0, 0]
    x, u = arm.mean[2], arm.mean[3]
    if u == 0:
        return ratio, gradient + [0, 0], 0, [0, 0, 0, 0]
    return ratio, gradient + [0, 0], x / u, [0, 0, 1 / u, -x / u**2]


def real(fraction):
    return mp.mpf(fraction.numerator) / mp.mpf(fraction.denominator)


def compare(kind, confidence, control, arm):
    c, t = Arm(control), Arm(arm)
    of_c, of_t = linear(kind, c), linear(kind, t)
    if of_c is None or of_t is None:
        return None
    (r_c, g_c, p_c, h_c), (r_t, g_t, p_t, h_t) = of_c, of_t
    # theta within arms: sums of products, hence n (n - 1) times the covariance of means.
    pooled = lambda a_c, b_c, a_t, b_t: c.form(a_c, b_c) * c.n * (c.n - 1) + t.form(a_t, b_t) * t.n * (t.n - 1)
    below = pooled(h_c, h_c, h_t, h_t)
    history = any(h_c) and any(h_t) and below != 0
    theta = pooled(g_c, h_c, g_t, h_t) / below if history else F(0)
    adjusted = lambda g, h: [a - theta * b for a, b in zip(g, h)]
    v_c, v_t = c.form(adjusted(g_c, h_c), adjusted(g_c, h_c)), t.form(adjusted(g_t, h_t), adjusted(g_t, h_t))
    difference, variance = F(r_t) - r_c - theta * (F(p_t) - p_c), v_c + v_t
    out = ["-"] * 14
    out[0] = number(real(difference))
    if variance <= 0:
        return out
    df = float(real(variance**2 / (v_c**2 / (c.n - 1) + v_t**2 / (t.n - 1))))
    tail = float((1 - mp.mpf(repr(confidence))) / 2)
    error, quantile = mp.sqrt(real(variance)), stats.t.isf(tail, df)
    p = 2 * stats.t.sf(float(abs(real(difference)) / error), df)
    out[1:4] = [number(error), number(df), number(p if p > 1e-300 else 0.0)]
    out[4:6] = around(real(difference), quantile * error)
    n = c.n + t.n
    alpha = mp.mpf(2) * tail
    rho2 = (-2 * mp.log(alpha) + mp.log(1 - 2 * mp.log(alpha))) / TUNING
    x = n * rho2
    half = error * mp.sqrt(2 * (x + 1) / x * mp.log(mp.sqrt(x + 1) / alpha))
    p = min(mp.mpf(1), mp.sqrt(x + 1) * mp.exp(-rho2 * real(difference**2) * n / real(variance) / (2 * (x + 1))))
    out[12:14] = [number(half), number(p if p > 1e-300 else 0.0)]
    if r_c == 0:
        return out
    g = F(r_t) / r_c
    lift = difference / abs(r_c)
    v_lift = (v_t + g**2 * c.form(g_c, g_c) - 2 * theta * g * c.form(g_c, h_c) + theta**2 * c.form(h_c, h_c)) / r_c**2
    if kind in ("mean", "conversion", "ratio"):
        v_lift = (v_t + g**2 * v_c) / r_c**2
    lift_error = mp.sqrt(real(v_lift))
    out[6:10] = [number(real(lift)), number(lift_error)] + around(real(lift), quantile * lift_error)
    out[10:12] = fieller(difference, variance, abs(r_c), c.form(g_c, g_c),
                         -c.form(adjusted(g_c, h_c), g_c) * (1 if r_c > 0 else -1), quantile)
    return out


def fieller(a, v_a, b, v_b, covariance, quantile):
    """All r with (a - r b)^2 <= q^2 (v_a - 2 r cov + r^2 v_b), where that is an interval."""
    a, v_a, b, v_b, covariance = map(real, (a, v_a, b, v_b, covariance))
    q2 = mp.mpf(quantile) ** 2
    square, line, constant = b * b - q2 * v_b, a * b - q2 * covariance, a * a - q2 * v_a
    if square <= 0:
        return ["open", "open"]
    root = mp.sqrt(line * line - square * constant)
    return [number((line - root) / square), number((line + root) / square)]


def around(centre, half):
    return [number(centre - half), number(centre + half)]


def number(value):
    return repr(float(value))


def main():
    rows = ["kind,label,confidence,control,arm," + ",".join(
        "difference error df p low high lift lift_error lift_low lift_high fieller_low fieller_high sequence_half "
        "sequence_p".split())]
    for kind, label, confidence, control, arm in tallies():
        found = compare(kind, confidence, control, arm) or ["-"] * 14
        field = lambda persons: " ".join(str(value) for value in sums(persons))
        rows.append(",".join([kind, label, repr(confidence), field(control), field(arm)] + found))
    Path(__file__).with_name("data").joinpath("comparisons.csv").write_text("\n".join(rows) + "\n")
    print(len(rows) - 1, "tallies")


if __name__ == "__main__":
    main()
