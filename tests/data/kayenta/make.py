"""Hodges-Lehmann shifts with their 98 % intervals, found a second way: the point at which the standardised
rank sum, by scipy's ranks, crosses the normal quantile, bisected to 1e-11. R's `wilcox.test(exact = FALSE,
conf.int = TRUE)`, which Kayenta's judge follows, stops within 1e-4 of that point.

    python3 make.py > shift.json        (numpy, scipy)
"""

import json

import numpy as np
from scipy.stats import norm, rankdata


def z(x, y, shift, corrected):
    ranks = rankdata(np.concatenate([x - shift, y]))
    n, m = len(x), len(y)
    over = ranks[:n].sum() - n * (n + 1) / 2 - n * m / 2
    ties = np.unique(ranks, return_counts=True)[1].astype(float)
    lost = (ties**3 - ties).sum() / ((n + m) * (n + m - 1))
    sigma = np.sqrt(n * m / 12 * (n + m + 1 - lost))
    return (over - (np.sign(over) * 0.5 if corrected else 0.0)) / sigma


def crossing(x, y, wanted, corrected):
    low, high = x.min() - y.max(), x.max() - y.min()
    if z(x, y, low, corrected) <= wanted:
        return low
    if z(x, y, high, corrected) >= wanted:
        return high
    while high - low > 1e-11:
        middle = (low + high) / 2
        if z(x, y, middle, corrected) > wanted:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def cases():
    random = np.random.default_rng(20260302)
    yield [20, 22, 21, 25, 30], [1, 2.2, 1.1, 2.5, 3]
    for n, m in [(5, 9), (12, 12), (30, 30), (50, 20), (60, 60), (120, 80)]:
        yield random.normal(100, 15, n).round(3), random.normal(92, 12, m).round(3)
        yield random.lognormal(0, 1, n).round(4), random.lognormal(0.3, 1.2, m).round(4)
        yield random.exponential(2, n).round(3), random.exponential(2, m).round(3)


def main():
    quantile = norm.isf(0.01)
    found = []
    for x, y in cases():
        x, y = np.array(x, float), np.array(y, float)
        found.append(
            {
                "x": x.tolist(),
                "y": y.tolist(),
                "lower": crossing(x, y, quantile, True),
                "upper": crossing(x, y, -quantile, True),
                "estimate": crossing(x, y, 0.0, False),
            }
        )
    print("[\n" + ",\n".join(json.dumps(case) for case in found) + "\n]")


main()
