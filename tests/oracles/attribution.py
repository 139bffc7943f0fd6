"""Attribution, funnels, paths and stages over the click stream and the baskets of data/; removal effects by exact fractions."""

import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "data"
SEED = 20261129
DAY = 86_400
MODELS = ["first", "last", "linear", "position", "time_decay"]


def write(name, header, rows):
    field = lambda value: repr(float(value)) if isinstance(value, (float, Fraction)) else str(value)
    lines = [header] + [",".join(map(field, row)) for row in rows]
    HERE.joinpath("data", name).write_text("\n".join(lines) + "\n")
    print(name, len(rows))


def clicks():
    """One frame for each person: label (none for a purchase), seconds, value; in order, ties in the file's."""
    columns = ["user", "item", "category", "behaviour", "at"]
    frame = pd.read_csv(DATA / "taobao_user_behavior" / "UserBehavior_first_4321.csv", names=columns)
    frame = frame.sort_values("at", kind="stable")
    frame["label"] = frame.behaviour.where(frame.behaviour != "buy")
    frame["value"] = 0.0
    return frame[["user", "label", "at", "value"]]


def baskets():
    """Campaigns as touches at the start of the campaign's first day, baskets as conversions with what they sold for."""
    folder = DATA / "complete_journey"
    sent = pd.read_csv(folder / "campaigns.csv").merge(pd.read_csv(folder / "campaign_descriptions.csv"))
    touches = pd.DataFrame({
        "user": sent.household_id,
        "label": sent.campaign_type,
        "at": pd.to_datetime(sent.start_date).astype("int64") // 10**9,
        "value": 0.0,
        "order": sent.campaign_id,
    })
    bought = pd.read_csv(folder / "baskets.csv.gz")
    conversions = pd.DataFrame({
        "user": bought.household_id,
        "label": None,
        "at": pd.to_datetime(bought.transaction_timestamp).astype("int64") // 10**9,
        "value": bought.sales_value,
        "order": bought.basket_id,
    })
    both = pd.concat([touches[touches["at"] >= conversions["at"].min()], conversions])
    return both.sort_values(["at", "order"], kind="stable")[["user", "label", "at", "value"]]


def campaign_13():
    """Of both arms of campaign 13 what came within 48 days: campaigns as touches by their kind, baskets as conversions."""
    start = pd.Timestamp("2017-08-08").value // 10**9
    frame = baskets()
    sent = set(pd.read_csv(DATA / "complete_journey" / "campaigns.csv").query("campaign_id == 13").household_id)
    buyers = set(frame[frame.label.isna()].user)
    inside = frame[(frame["at"] >= start) & (frame["at"] < start + 48 * DAY) & frame.user.isin(buyers)]
    for arm, persons in [("sent", buyers & sent), ("not_sent", buyers - sent)]:
        yield arm, len(persons), inside[inside.user.isin(persons)]


def weights(model, ages, half_life):
    """What the touches of a conversion weigh, oldest first."""
    n = len(ages)
    if model == "first":
        return np.eye(1, n, 0)[0]
    if model == "last":
        return np.eye(1, n, n - 1)[0]
    if model == "linear" or n <= 2 and model == "position":
        return np.full(n, 1 / n)
    if model == "position":
        return np.array([0.4] + [0.2 / (n - 2)] * (n - 2) + [0.4])
    halved = 0.5 ** ((ages - ages[-1]) / half_life)
    return halved / halved.sum()


def attribute(frame, lookback, half_life=DAY):
    """Credit of conversions and value per model and label, and per set of labels."""
    credit, sets, untouched = {}, {}, [0, 0.0]
    for _, person in frame.groupby("user", sort=False):
        at, value, label = person["at"].to_numpy(), person["value"].to_numpy(), person["label"].to_numpy(object)
        touch = np.array([isinstance(one, str) for one in label])
        for buy in np.flatnonzero(~touch):
            before = np.flatnonzero(touch[:buy] & (at[buy] - at[:buy] <= lookback))
            if len(before) == 0:
                untouched[0] += 1
                untouched[1] += value[buy]
                continue
            ages = (at[buy] - at[before]).astype(float)
            for model in MODELS:
                for one, weight in zip(label[before], weights(model, ages, half_life)):
                    sums = credit.setdefault((model, one), [0.0, 0.0])
                    sums[0] += weight
                    sums[1] += weight * value[buy]
            sums = sets.setdefault("+".join(sorted(set(label[before]))), [0, 0.0])
            sums[0] += 1
            sums[1] += value[buy]
    return credit, sets, untouched


def solve(matrix, right):
    """The exact solution of a system of linear equations in fractions, by Gauss."""
    n = len(right)
    rows = [list(row) + [value] for row, value in zip(matrix, right)]
    for column in range(n):
        pivot = next(row for row in range(column, n) if rows[row][column] != 0)
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for row in range(n):
            if row != column and rows[row][column] != 0:
                factor = rows[row][column] / rows[column][column]
                rows[row] = [a - factor * b for a, b in zip(rows[row], rows[column])]
    return [rows[row][n] / rows[row][row] for row in range(n)]


def expected(moves, converted, out, removed=None):
    """What a journey from the start brings in the end, where journeys that come to the place removed are lost."""
    n = len(moves)
    alive = [place for place in range(n) if place != removed]
    matrix = [[Fraction(int(a == b)) - Fraction(moves[a][b], out[a]) for b in alive] for a in alive]
    return solve(matrix, [Fraction(converted[a], out[a]) for a in alive])[0]


def chains(rng):
    """Random chains: start and labels; moves, conversions, losses, value; then both removal effects of each label."""
    rows = []
    for _ in range(60):
        n = rng.randint(1, 8)
        scale = rng.choice([3, 50, 100_000])
        count = lambda: rng.choice([0, rng.randint(0, scale), rng.randint(0, scale)])
        moves = [[0 if b == 0 or a == b else count() for b in range(n + 1)] for a in range(n + 1)]
        converted = [rng.randint(0, scale // 3) for _ in range(n + 1)]
        lost = [rng.randint(1, rng.choice([2, scale, 50 * scale])) for _ in range(n + 1)]
        value = [count_ * rng.randint(0, 10**8) for count_ in converted]
        out = [sum(row) + c + l for row, c, l in zip(moves, converted, lost)]
        whole = expected(moves, converted, out)
        worth = expected(moves, value, out)
        if whole == 0 or worth == 0:
            continue
        effect = lambda ends, all_: [1 - expected(moves, ends, out, label) / all_ for label in range(1, n + 1)]
        blank = lambda values: " ".join(str(v) for v in values)
        floats = lambda values: " ".join(repr(float(v)) for v in values)
        rows.append((
            n, "/".join(blank(row) for row in moves), blank(converted), blank(lost), blank(value), whole,
            floats(effect(converted, whole)), floats(effect(value, worth)),
        ))
    return rows


def journeys(frame):
    """Funnel, paths and stages of the click stream per half of the persons, by the parity of their number."""
    steps, counts = ["pv", "cart", "buy"], {}

    def count(arm, what, key):
        counts[arm, what, key] = counts.get((arm, what, key), 0) + 1

    frame = frame.assign(label=frame.label.fillna("buy"))
    for user, person in frame.groupby("user", sort=False):
        arm, done = ["even", "odd"][user % 2], list(person.label)
        count(arm, "persons", "")
        rest = iter(done)
        for number, step in enumerate(steps, 1):
            if step not in rest:
                break
            count(arm, "reach", number)
        best = 0
        for begin in range(len(done)):
            length = 0
            while length < 3 and begin + length < len(done) and done[begin + length] == steps[length]:
                length += 1
            best = max(best, length)
        for number in range(1, best + 1):
            count(arm, "reach_strict", number)
        converted = "buy" in done
        before = done[: done.index("buy")] if converted else done
        path = [one for at, one in enumerate(before) if at == 0 or before[at - 1] != one]
        count(arm, "path", ("c" if converted else "d") + ("+" if len(path) > 4 else "=") + ">".join(path[:4]))
        stages = [steps.index(one) for one in done if one in steps]
        stages = [one for at, one in enumerate(stages) if at == 0 or stages[at - 1] != one]
        for stage in set(stages):
            count(arm, "stage_reached", steps[stage])
        for one, two in zip(stages, stages[1:]):
            count(arm, "stage_move", f"{steps[one]}>{steps[two]}")
        if stages:
            count(arm, "stage_now", steps[stages[-1]])
    return [(arm, what, key, n) for (arm, what, key), n in sorted(counts.items(), key=str)]


rows, groups = [], []
for source, frame, lookback in [("clicks", clicks(), 10**9), ("baskets", baskets(), 30 * DAY)]:
    credit, sets, untouched = attribute(frame, lookback)
    rows += [(source, model, label, *map(float, sums)) for (model, label), sums in sorted(credit.items())]
    groups += [(source, label, sums[0], float(sums[1])) for label, sums in sorted(sets.items())]
    groups.append((source, "", untouched[0], float(untouched[1])))
write("attribution.csv", "source,model,label,conversions,value", rows)
write("attribution_sets.csv", "source,labels,conversions,value", groups)
write("removal.csv", "labels,moves,converted,lost,value,conversion,conversions_lost,value_lost", chains(random.Random(SEED)))
write("journeys.csv", "arm,what,key,count", journeys(clicks()))
arms = []
for arm, persons, frame in campaign_13():
    credit, sets, untouched = attribute(frame, 30 * DAY, 7 * DAY)
    arms.append((arm, "persons", "", float(persons), 0.0))
    arms.append((arm, "untouched", "", *map(float, untouched)))
    arms += [(arm, model, label, *map(float, sums)) for (model, label), sums in sorted(credit.items())]
    parts = {}
    for labels, sums in sets.items():
        for label in labels.split("+"):
            part = parts.setdefault(label, [0.0, 0.0])
            part[0] += sums[0] / (labels.count("+") + 1)
            part[1] += sums[1] / (labels.count("+") + 1)
    arms += [(arm, "shapley", label, *sums) for label, sums in sorted(parts.items())]
write("attribution_arms.csv", "arm,model,label,conversions,value", arms)
