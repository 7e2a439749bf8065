"""Makes log.csv and expected.json: CUPED by hand with numpy and SciPy.

A metric per request, compared by user: each arm's ratio of sums is linearised by the delta method,
theta is pooled over both arms, the adjusted means are compared by Welch's test.
"""

import json
from datetime import datetime, timedelta, timezone

import numpy as np
from scipy import stats

rng = np.random.default_rng(20260302)
T0 = datetime(2026, 3, 2, tzinfo=timezone.utc)
DAY = 86_400
N_USERS = 160

rows = []
for user in range(N_USERS):
    level = rng.normal(50, 10)
    pre = "" if user % 23 == 0 else round(level + rng.normal(0, 4), 2)
    is_treated = user % 2 == 1
    if user % 7 != 0:  # some were not there before
        for _ in range(rng.integers(1, 6)):
            t = rng.uniform(0, 3 * DAY)
            rows.append((t, user, "old", round(level + rng.normal(0, 6), 2), pre))
    for _ in range(rng.integers(1, 6)):
        t = rng.uniform(3 * DAY, 6 * DAY)
        score = level + rng.normal(0, 6) + (2.0 if is_treated else 0.0)
        rows.append((t, user, "new" if is_treated else "old", round(score, 2), pre))
rows.sort()

with open("log.csv", "w") as out:
    out.write("timestamp,user_id,variant,score,pre\n")
    for t, user, arm, score, pre in rows:
        stamp = (T0 + timedelta(seconds=round(t, 3))).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        out.write(f"{stamp},u{user},{arm},{score},{pre}\n")

first = min(i for i, row in enumerate(rows) if row[2] == "new")


def linearised(arm, from_row):
    y, d = {}, {}
    for row in rows[from_row:]:
        if row[2] == arm:
            y[row[1]] = y.get(row[1], 0.0) + row[3]
            d[row[1]] = d.get(row[1], 0) + 1
    users = sorted(y)
    y = np.array([y[u] for u in users])
    d = np.array([d[u] for u in users], float)
    ratio = y.sum() / d.sum()
    return users, ratio + (y - ratio * d) / d.mean()


def adjusted(before, from_row):
    (ua, la), (ub, lb) = linearised("old", from_row), linearised("new", from_row)
    xa = np.array([before.get(u, np.nan) for u in ua])
    xb = np.array([before.get(u, np.nan) for u in ub])
    known = np.concatenate([xa, xb])
    mean = known[~np.isnan(known)].mean()
    n_with = [int((~np.isnan(x)).sum()) for x in (xa, xb)]
    xa, xb = np.where(np.isnan(xa), mean, xa), np.where(np.isnan(xb), mean, xb)
    y, x = np.concatenate([la, lb]), np.concatenate([xa, xb])
    theta = np.cov(y, x)[0, 1] / np.var(x, ddof=1)
    a, b = la - theta * (xa - mean), lb - theta * (xb - mean)
    test = stats.ttest_ind(b, a, equal_var=False)
    interval = test.confidence_interval(0.95)
    plain = stats.ttest_ind(lb, la, equal_var=False)
    variance = lambda u, v: u.var(ddof=1) / len(u) + v.var(ddof=1) / len(v)
    return {
        "n_with": n_with,
        "theta": theta,
        "difference": b.mean() - a.mean(),
        "lower": interval.low,
        "upper": interval.high,
        "p": test.pvalue,
        "variance_reduction": 1 - variance(a, b) / variance(la, lb),
        "unadjusted": lb.mean() - la.mean(),
        "unadjusted_p": plain.pvalue,
    }


before_sum, before_n = {}, {}
for row in rows[:first]:
    before_sum[row[1]] = before_sum.get(row[1], 0.0) + row[3]
    before_n[row[1]] = before_n.get(row[1], 0) + 1
in_log = {u: before_sum[u] / before_n[u] for u in before_sum}
in_column = {row[1]: row[4] for row in rows if row[4] != ""}
expected = {"column": adjusted(in_column, first), "time_before": adjusted(in_log, first)}
with open("expected.json", "w") as out:
    json.dump(expected, out, indent=1)
    out.write("\n")
print(json.dumps(expected, indent=1))
