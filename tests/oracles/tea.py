"""The same tallies through tea-tasting 1.14.0, the last version for Python 3.11: writes data/tea.csv. Run in the environment
of requirements-tea.txt.

Its metrics are given means and variances that were computed exactly and rounded once. What it computes from them in doubles
is written where nothing cancels: ratios and covariates that leave almost no variance are left out, and so are vast values of
tiny spread.

Columns: kind, confidence, sums of control, sums of the arm (as in comparisons.csv), then difference, its interval (2), p on the
absolute scale, lift, its interval on the log scale (2). With a covariate theta is over both arms as one sample, and the lift
is over the adjusted control: only the absolute numbers are written.
"""

from fractions import Fraction
from pathlib import Path

from tea_tasting.aggr import Aggregates
from tea_tasting.metrics import Mean, RatioOfMeans

from tallies import UNIT, sums, tallies

NAMES = {"mean": "y", "conversion": "y", "ratio": "yd", "cuped": "yx"}
METRICS = {
    "mean": lambda c: Mean("y", confidence_level=c, use_t=True, equal_var=False),
    "conversion": lambda c: Mean("y", confidence_level=c, use_t=True, equal_var=False),
    "ratio": lambda c: RatioOfMeans("y", "d", confidence_level=c, use_t=True, equal_var=False),
    "cuped": lambda c: Mean("y", "x", confidence_level=c, use_t=True, equal_var=False),
}


def arm(names, persons):
    """The aggregates, and whether they keep their digits."""
    n, *rest = sums(persons)
    one, two = rest[: len(names)], rest[len(names):]
    pairs = [(i, j) for i in range(len(names)) for j in range(i, len(names))]
    about = {(i, j): Fraction(n * s - one[i] * one[j], n * (n - 1) * UNIT**2) for (i, j), s in zip(pairs, two)}
    mean = {names[i]: float(Fraction(one[i], n * UNIT)) for i in range(len(names))}
    var = {names[i]: float(about[i, i]) for i in range(len(names))}
    cov = {(names[i], names[j]): float(about[i, j]) for i, j in pairs if i != j}
    keeps = all(about[i, i] * n * 1000 * UNIT**2 > s for (i, j), s in zip(pairs, two) if i == j)
    if len(names) == 2:
        a, b, c = about[0, 0], about[1, 1], about[0, 1]
        if names == "yd" and one[1]:
            r = Fraction(one[0], one[1])
            keeps = keeps and (a - 2 * r * c + r * r * b) * 1000 > a
        keeps = keeps and (a * b - c * c) * 1000 > a * b
    return Aggregates(n, mean, var, cov), keeps


def row(kind, confidence, control, persons):
    (c, keeps_c), (t, keeps_t) = (arm(NAMES[kind], some) for some in (control, persons))
    if not (keeps_c and keeps_t) or min(c.mean("y"), t.mean("y")) <= 0 or (kind == "ratio" and not c.mean("d") * t.mean("d")):
        return None
    found = METRICS[kind](confidence).analyze_aggregates(c, t)
    p = found.pvalue if found.pvalue > 1e-200 else None
    numbers = [found.effect_size, found.effect_size_ci_lower, found.effect_size_ci_upper, p]
    if kind == "cuped":
        return numbers + [None] * 3
    return numbers + [found.rel_effect_size, found.rel_effect_size_ci_lower, found.rel_effect_size_ci_upper]


def main():
    rows = ["kind,confidence,control,arm,difference,low,high,p,lift,lift_low,lift_high"]
    for kind, _, confidence, control, persons in tallies():
        found = row(kind, confidence, control, persons) if kind in NAMES else None
        if found is not None:
            field = lambda arm: " ".join(str(value) for value in sums(arm))
            numbers = ["-" if value is None else repr(float(value)) for value in found]
            rows.append(",".join([kind, repr(confidence), field(control), field(persons)] + numbers))
    Path(__file__).with_name("data").joinpath("tea.csv").write_text("\n".join(rows) + "\n")
    print(len(rows) - 1, "tallies")


if __name__ == "__main__":
    main()
