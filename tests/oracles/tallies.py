"""Made-up tallies: two arms of persons each, ordinary and extreme ones, from a seed.

A person is a tuple of whole numbers in units of 1e-6; an arm is a list of (how many, person), so that arms of a
thousand million persons are no longer than arms of ten. Every tally is one that persons can have.

    mean         (y,)              a value per person
    conversion   (y,)              0 or 1
    ratio        (y, d)            numerator and denominator
    cuped        (y, x)            value, and the same before the exposure
    cuped_ratio  (y, d, x, u)      numerator, denominator, and the same two before the exposure
"""

import random

UNIT = 1_000_000
SEED = 20240607


def money(rng, scale):
    """A log-normal amount in cents, as shops have them."""
    return int(rng.lognormvariate(0, 1) * scale * 100) * 10_000


def sizes(rng, spread):
    """Two arm sizes: even, uneven, 5:95 either way, and tiny ones."""
    n = int(10 ** rng.uniform(0.5, spread)) + 2
    share = rng.choice([0.5, 0.5, 0.5, 0.3, 0.1, 0.9, 0.05, 0.95])
    return max(2, round(n * (1 - share))), max(2, round(n * share))


def spread_out(rng, n, draw, kinds=24):
    """n persons of at most so many kinds, each kind drawn once."""
    kinds = min(n, kinds)
    cuts = sorted(rng.randrange(n + 1) for _ in range(kinds - 1))
    counts = [b - a for a, b in zip([0] + cuts, cuts + [n])]
    return [(count, draw()) for count in counts if count > 0]


def means(rng):
    for index in range(420):
        n_c, n_t = sizes(rng, 7)
        scale, lift = 10 ** rng.uniform(-2, 4), rng.choice([1.0, 1.02, 1.1, 0.9, 1.5])
        buyers = rng.choice([1.0, 0.3, 0.03])
        draw = lambda s: lambda: (money(rng, s) if rng.random() < buyers else 0,)
        yield "revenue", spread_out(rng, n_c, draw(scale)), spread_out(rng, n_t, draw(scale * lift))
    for index in range(60):
        draw = lambda: (rng.randrange(-50 * UNIT, 50 * UNIT),)
        n_c, n_t = sizes(rng, 4)
        yield "either sign", spread_out(rng, n_c, draw), spread_out(rng, n_t, draw)
    for index in range(60):
        yield "two persons", *([(1, (money(rng, 20),)), (1, (money(rng, 20),))] for _ in range(2))
    for index in range(60):
        base, n = rng.choice([10**9, -(10**9), 123_456_789]) * UNIT, rng.choice([2, 40, 5_000, 10**6])
        draw = lambda: (base + rng.randrange(-30, 30),)
        yield "vast values of tiny spread", spread_out(rng, n, draw), spread_out(rng, n, draw)
    for index in range(60):
        n_c, n_t = sizes(rng, 5)
        draw = lambda: (money(rng, 10),)
        outlier = [(1, (rng.choice([10**9, 10**11]) * UNIT,))]
        yield "one outlier", spread_out(rng, n_c, draw), spread_out(rng, n_t, draw) + outlier
    for index in range(60):
        n_c, n_t = sizes(rng, 5)
        small, large = lambda: (money(rng, 1),), lambda: (money(rng, 40 + 10 * index),)
        yield "lift over 1000 %", spread_out(rng, n_c, small), spread_out(rng, n_t, large)
    for index in range(20):
        n_c, n_t = sizes(rng, 4)
        draw, one = lambda: (money(rng, 10),), (money(rng, 10) + 1,)
        yield "no spread in control", [(n_c, one)], spread_out(rng, n_t, draw)
        yield "no spread in the arm", spread_out(rng, n_c, draw), [(n_t, one)]
        yield "no spread", [(n_c, one)], [(n_t, (money(rng, 10),))]
        yield "nothing in control", [(n_c, (0,))], spread_out(rng, n_t, draw)
        yield "control cancels", [(n_c, (5 * UNIT,)), (n_c, (-5 * UNIT,))], spread_out(rng, n_t, draw)


def conversions(rng):
    arm = lambda n, k: [(count, (y * UNIT,)) for count, y in ((n - k, 0), (k, 1)) if count > 0]
    for index in range(380):
        n_c, n_t = sizes(rng, 8)
        rate, lift = 10 ** rng.uniform(-3, -0.1), rng.choice([1.0, 1.05, 1.2, 0.8])
        near = lambda n, p: min(n, max(0, round(n * p + rng.gauss(0, 1) * (n * p * (1 - p)) ** 0.5)))
        yield "rate", arm(n_c, near(n_c, rate)), arm(n_t, near(n_t, min(0.99, rate * lift)))
    for index in range(60):
        n = rng.choice([10**5, 10**6, 10**9])
        yield "rate near 0", arm(n, rng.randrange(4)), arm(n, rng.randrange(1, 9))
        yield "rate near 1", arm(n, n - rng.randrange(4)), arm(n, n - rng.randrange(1, 9))
    for index in range(20):
        n = rng.randrange(2, 2_000)
        yield "two persons", arm(2, rng.randrange(3)), arm(2, rng.randrange(3))
        yield "none against many", arm(n, 0), arm(n, rng.randrange(1, n + 1))
        yield "lift over 1000 %", arm(10 * n, 1), arm(10 * n, rng.randrange(15, 20))


def ratios(rng):
    for index in range(330):
        n_c, n_t = sizes(rng, 7)
        scale, lift = 10 ** rng.uniform(-1, 3), rng.choice([1.0, 1.05, 0.9, 1.3])
        idle = rng.choice([0.0, 0.5, 0.95])

        def draw(s):
            def person():
                orders = 0 if rng.random() < idle else rng.randrange(1, 6)
                return sum(money(rng, s) for _ in range(orders)), orders * UNIT

            return person

        yield "order value", spread_out(rng, n_c, draw(scale)), spread_out(rng, n_t, draw(scale * lift))
    for index in range(60):
        n_c, n_t = sizes(rng, 6)

        def draw(p):
            def person():
                shown = rng.randrange(1, 400)
                return sum(rng.random() < p for _ in range(shown)) * UNIT, shown * UNIT

            return person

        yield "click-through", spread_out(rng, n_c, draw(0.02)), spread_out(rng, n_t, draw(0.025))
    for index in range(30):
        draw = lambda: (lambda d: (d * (10**6 + rng.randrange(-9, 9)), d * UNIT))(rng.randrange(1, 1_000))
        yield "nearly constant ratio", spread_out(rng, 3_000, draw), spread_out(rng, 500, draw)
    for index in range(15):
        draw = lambda: (money(rng, 10), rng.randrange(1, 4) * UNIT)
        yield "no denominator in control", [(9, (0, 0))], spread_out(rng, 50, draw)
        yield "two persons", [(1, draw()), (1, draw())], [(1, draw()), (1, draw())]
        yield "zero ratio of control", [(5, (0, 2 * UNIT)), (7, (0, UNIT))], spread_out(rng, 50, draw)


def covariates(rng):
    for index in range(300):
        n_c, n_t = sizes(rng, 7)
        weight, lift = rng.choice([0.0, 0.3, 0.8, 1.0, -0.5]), rng.choice([0, 0, 3, 20])

        def draw(shift):
            def person():
                x = money(rng, 20) if rng.random() < 0.6 else 0
                return int(weight * x) + money(rng, 10) + shift * UNIT, x

            return person

        yield "history", spread_out(rng, n_c, draw(0)), spread_out(rng, n_t, draw(lift))
    for index in range(30):
        n_c, n_t = sizes(rng, 4)
        draw = lambda: (lambda x: (2 * x + rng.randrange(-3, 4), x))(money(rng, 1_000))
        yield "history says nearly all", spread_out(rng, n_c, draw), spread_out(rng, n_t, draw)
        none = lambda: (money(rng, 10), 0)
        yield "no history", spread_out(rng, n_c, none), spread_out(rng, n_t, none)
        two = lambda: (money(rng, 10), money(rng, 10))
        yield "two persons", [(1, two()), (1, two())], [(1, two()), (1, two())]


def ratio_covariates(rng):
    for index in range(200):
        n_c, n_t = sizes(rng, 6)

        def draw(lift):
            def person():
                taste = rng.lognormvariate(0, 0.5) * 20
                before = rng.randrange(0, 6)
                after = rng.randrange(1, 5) + before // 2
                x = sum(money(rng, taste) for _ in range(before))
                return sum(money(rng, taste * lift) for _ in range(after)), after * UNIT, x, before * UNIT

            return person

        yield "order value with history", spread_out(rng, n_c, draw(1.0)), spread_out(rng, n_t, draw(1.1))
    for index in range(15):
        none = lambda: (money(rng, 10), rng.randrange(1, 5) * UNIT, 0, 0)
        yield "no history", spread_out(rng, 60, none), spread_out(rng, 30, none)


def tallies():
    """All tallies: kind, label, confidence, control, arm."""
    rng = random.Random(SEED)
    kinds = (means, "mean"), (conversions, "conversion"), (ratios, "ratio"), (covariates, "cuped"), (
        ratio_covariates, "cuped_ratio")
    for make, kind in kinds:
        for label, control, arm in make(rng):
            yield kind, label, rng.choice([0.95, 0.95, 0.95, 0.9, 0.99, 0.9975]), control, arm


def sums(arm):
    """n, the sums, and the sums of products in the order (0,0), (0,1), .., (1,1), .. of a person's numbers."""
    width = len(arm[0][1])
    one = [sum(n * person[i] for n, person in arm) for i in range(width)]
    two = [sum(n * person[i] * person[j] for n, person in arm) for i in range(width) for j in range(i, width)]
    return [sum(n for n, _ in arm)] + one + two
