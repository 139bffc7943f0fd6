"""The Qini curve of a hundred persons, for crates/metrics/src/inference/qini.rs.

Person by person, as `qini_curve` of scikit-uplift 0.5.1 (sklift/metrics/metrics.py) defines it: persons by falling score, a point after
the last person of each distinct score, `y_t - y_c * n_t / n_c` there; areas by trapezoids, as `sklearn.metrics.auc`. Needs nothing
but Python.
"""

persons = []
for i in range(100):
    score, treated = -(i % 5), (i // 5) % 3 != 0
    bought = (i * 37 + (40 - 8 * (i % 5) if treated else 0)) % 100 >= 60
    persons.append((score, treated, int(bought)))
persons.sort(key=lambda person: -person[0])

x, y = [0], [0.0]
n_t = n_c = y_t = y_c = 0
for at, (score, treated, bought) in enumerate(persons):
    n_t, n_c = n_t + treated, n_c + (not treated)
    y_t, y_c = y_t + bought * treated, y_c + bought * (not treated)
    if at + 1 == len(persons) or persons[at + 1][0] != score:
        x.append(at + 1)
        y.append(y_t - y_c * (n_t / n_c if n_c else 0.0))

area = sum((x[k + 1] - x[k]) * (y[k + 1] + y[k]) / 2 for k in range(len(x) - 1))
line = x[-1] * y[-1] / 2
print("shares", [share / len(persons) for share in x[1:]])
print("gains", [gain / n_t for gain in y[1:]])
print("coefficient", (area - line) / (len(persons) * n_t))
