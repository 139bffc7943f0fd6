"""The same tallies through gbstats 0.8.0: writes data/peers.csv. Run in the environment of requirements-gbstats.txt.

gbstats works on sums in doubles, so its variances lose the digits by which sums of squares exceed the squares about the
mean, and its p-values are one less a distribution function. A number is written only where that leaves ten digits,
else -.

Columns: kind, confidence, sums of control, sums of the arm (as in comparisons.csv), then
 of TwoSidedTTest, absolute: difference, standard error, interval (2); relative: lift, standard error, interval (2);
 of SequentialTwoSidedTTest (N* = 5000): half-width and p of the difference, half-width and p of the lift.
Conversions go in as means (variance with n - 1). With a covariate only the absolute numbers are written: theta is over
both arms as one sample, and the relative variance of the published package leaves a covariance out.
"""

from pathlib import Path

from gbstats.frequentist.tests import FrequentistConfig, SequentialConfig, SequentialTwoSidedTTest, TwoSidedTTest
from gbstats.models.statistics import (
    RatioStatistic, RegressionAdjustedStatistic, SampleMeanStatistic, compute_theta,
)

from tallies import UNIT, sums, tallies


def mean(n, y, yy):
    return SampleMeanStatistic(n=n, sum=y / UNIT, sum_squares=yy / UNIT**2)


def keeps_digits(n, y, yy):
    """Whether the squares about the mean are at least a thousandth of the squares."""
    return (n * yy - y * y) * 1000 > n * yy > 0


def arm(kind, persons):
    """The statistic without theta, or None where it loses digits."""
    if kind in ("mean", "conversion"):
        n, y, yy = sums(persons)
        return mean(n, y, yy) if keeps_digits(n, y, yy) else None
    if kind == "ratio":
        n, y, d, yy, yd, dd = sums(persons)
        if d == 0:
            return None
        residual, squares = d * d * yy - 2 * y * d * yd + y * y * dd, d * d * yy
        if not keeps_digits(n, y, yy) or residual * 1000 < squares or (n * dd - d * d) * 1000 < n * dd:
            return None
        return RatioStatistic(
            n=n, m_statistic=mean(n, y, yy), d_statistic=mean(n, d, dd), m_d_sum_of_products=yd / UNIT**2)
    n, y, x, yy, yx, xx = sums(persons)
    s_yy, s_xx, s_yx = n * yy - y * y, n * xx - x * x, n * yx - y * x
    if not keeps_digits(n, y, yy) or not keeps_digits(n, x, xx) or (s_yy * s_xx - s_yx**2) * 1000 < s_yy * s_xx:
        return None
    return lambda theta: RegressionAdjustedStatistic(
        n=n, post_statistic=mean(n, y, yy), pre_statistic=mean(n, x, xx), post_pre_sum_of_products=yx / UNIT**2,
        theta=theta)


def row(kind, confidence, control, persons):
    c, t = arm(kind, control), arm(kind, persons)
    if c is None or t is None:
        return None
    if kind == "cuped":
        theta = compute_theta(c(0), t(0))
        c, t = c(theta), t(theta)
    if c.unadjusted_mean == 0:
        return None
    alpha, out = 1 - confidence, []
    for scale in ("absolute", "relative"):
        found = TwoSidedTTest(c, t, FrequentistConfig(alpha=alpha, difference_type=scale)).compute_result()
        if found.error_message:
            return None
        out += [found.expected, found.uplift.stddev, *found.ci]
    for scale in ("absolute", "relative"):
        config = SequentialConfig(alpha=alpha, difference_type=scale, sequential_tuning_parameter=5000)
        found = SequentialTwoSidedTTest(c, t, config).compute_result()
        out += [(found.ci[1] - found.ci[0]) / 2, found.p_value if found.p_value > 1e-200 else None]
    if kind == "cuped":
        out = out[:4] + [None] * 4 + out[8:10] + [None] * 2
    return out


def main():
    rows = ["kind,confidence,control,arm," + ",".join(
        "difference error low high lift lift_error lift_low lift_high sequence_half sequence_p sequence_lift_half "
        "sequence_lift_p".split())]
    for kind, _, confidence, control, persons in tallies():
        if kind == "cuped_ratio":
            continue
        found = row(kind, confidence, control, persons)
        if found is not None:
            field = lambda arm: " ".join(str(value) for value in sums(arm))
            numbers = ["-" if value is None else repr(float(value)) for value in found]
            rows.append(",".join([kind, repr(confidence), field(control), field(persons)] + numbers))
    Path(__file__).with_name("data").joinpath("peers.csv").write_text("\n".join(rows) + "\n")
    print(len(rows) - 1, "tallies")


if __name__ == "__main__":
    main()
