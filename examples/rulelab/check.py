#!/usr/bin/env python3
"""Plain restatements of two monitors on rollouts without a difference, to lay beside docs/lab-figures.md.

    examples/rulelab/check.py [ROLLOUTS]      (Python 3.9 with numpy; 2,000 rollouts take some minutes)

Nothing of Hindsight is used: the monitors are those of the source articles, statement by statement.
"""

import csv
import random
import sys
from collections import deque
from datetime import datetime
from math import sqrt
from pathlib import Path

import numpy as np

ROLLOUTS = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
SAMPLE = Path(__file__).resolve().parents[2] / "sample-data" / "aa.csv"
CAUSES = ["errors above 5 %", "errors 3 x", "rating 0.5 lower", "p95 2 x"]


def failed(window):
    """The share that failed; requests that their users gave up count on neither side."""
    known = [r[0] for r in window if r[0] is not None]
    return sum(known) / len(known) if known else 0


def causes(canary, stable, ratings):
    """Which of QualityMonitor's conditions hold; `ratings` are those in both windows."""
    if len(canary) < 20:
        return []
    held = []
    ce, se = failed(canary), failed(stable)
    if ce > 0.05:
        held.append(0)
    if se > 0 and ce > se * 3:
        held.append(1)
    of_c, of_s = ratings
    if len(of_c) >= 10 and len(of_s) >= 10 and sum(of_s) / len(of_s) - sum(of_c) / len(of_c) > 0.5:
        held.append(2)
    c = sorted(r[1] for r in canary if r[1])
    s = sorted(r[1] for r in stable if r[1])
    if c and s and c[int(len(c) * 0.95)] > s[int(len(s) * 0.95)] * 2:
        held.append(3)
    return held


def quality_monitor(requests, horizon):
    """Which conditions hold at some look within so many canary requests, each on its own. A request:
    (is canary, fails, latency, rating or None, how many later requests end before the rating comes)."""
    windows = {True: deque(maxlen=100), False: deque(maxlen=100)}
    arrived = {True: deque(), False: deque()}  # (place of arrival, rating)
    coming = {}
    found, n_canary = set(), 0
    for i, (is_canary, fails, latency, rating, wait) in enumerate(requests):
        windows[is_canary].append((fails, latency, i))
        if rating is not None:
            coming.setdefault(i + wait, []).append((is_canary, rating))
        for arm, value in coming.pop(i, []):
            arrived[arm].append((i, value))
        for arm, ratings in arrived.items():
            oldest = windows[arm][0][2] if windows[arm] else 0
            while ratings and ratings[0][0] < oldest:
                ratings.popleft()
        seen = tuple([value for _, value in arrived[arm]] for arm in (True, False))
        found.update(causes(windows[True], windows[False], seen))
        n_canary += is_canary
        if n_canary == horizon or len(found) == 4:
            break
    return found


def modelled(rng, share, horizon):
    n_canary = 0
    while n_canary < horizon:
        is_canary = rng.random() < share
        n_canary += is_canary
        rating = rng.randint(1, 5) if rng.random() < 0.1 else None
        yield is_canary, rng.random() < 0.02, 1000 * rng.lognormvariate(0, 0.8), rating, 0


def sample():
    """The control's requests in the order of their ends, as (user, fails, latency, rating, wait)."""
    rows = []
    with SAMPLE.open(newline="") as file:
        for row in csv.DictReader(file):
            if row["variant"] == "control":
                ms = float(row["latency_ms"] or 0)
                at = datetime.fromisoformat(row["timestamp"].replace("Z", "+00:00")).timestamp() + ms / 1000
                rated = row["rated_at"] and datetime.fromisoformat(row["rated_at"].replace("Z", "+00:00")).timestamp()
                rating = float(row["rating"]) if row["rating"] else None
                fails = None if row["status"] == "499" else row["status"] != "200"
                rows.append((at, row["user_id"], fails, ms, rating, max(at, rated or at)))
    rows.sort(key=lambda row: row[0])
    ends = np.array([row[0] for row in rows])
    return [
        (user, fails, ms, rating, max(0, int(np.searchsorted(ends, rated)) - i))
        for i, (_, user, fails, ms, rating, rated) in enumerate(rows)
    ]


def relabelled(rng, rows, share, is_late):
    canary = {user: rng.random() < share for user in sorted({row[0] for row in rows})}
    for user, fails, ms, rating, wait in rows:
        yield canary[user], fails, ms, rating, wait if is_late else 0


def tell(name, found):
    n = len(found)
    share = sum(bool(f) for f in found) / n
    each = ", ".join(f"{cause} {sum(k in f for f in found) / n:.0%}" for k, cause in enumerate(CAUSES))
    print(f"  {name}: {share:.1%} +- {1.96 * sqrt(share * (1 - share) / n):.1%} ({each})", flush=True)


def canary_monitor(rng, p, horizon, every):
    """Whether CanaryMonitor's error checks fail within so many canary requests of 5 % of the traffic, looked
    at after every `every` requests of both arms."""
    is_canary = rng.random(int(horizon / 0.05 * 1.1)) < 0.05
    is_canary = is_canary[: np.searchsorted(np.cumsum(is_canary), horizon) + 1]
    fails = rng.random(len(is_canary)) < p
    n_c, e_c = np.cumsum(is_canary), np.cumsum(fails & is_canary)
    n_s, e_s = np.cumsum(~is_canary), np.cumsum(fails & ~is_canary)
    looks = slice(every - 1, None, every)
    n_c, e_c, n_s, e_s = n_c[looks], e_c[looks], n_s[looks], e_s[looks]
    ce, se = e_c / np.maximum(n_c, 1), e_s / np.maximum(n_s, 1)
    return bool(((ce > 0.01) | ((se != 0) & (ce > se * 1.5))).any())


def main():
    rng = random.Random(1)
    print("QualityMonitor within 1,000 canary requests, both arms alike:")
    n = max(ROLLOUTS // 10, 1)
    tell("modelled, canary of 5 %", [quality_monitor(modelled(rng, 0.05, 1000), 1000) for _ in range(n)])
    rows = sample()
    for share in (0.2, 0.5):
        for is_late in (True, False):
            name = f"the sample, canary of {share:.0%}, ratings {'when they came' if is_late else 'with their answers'}"
            made = (relabelled(rng, rows, share, is_late) for _ in range(ROLLOUTS))
            tell(name, [quality_monitor(rollout, 1000) for rollout in made])
    print("CanaryMonitor within 10,000 canary requests, both arms alike, canary of 5 %:")
    draws = np.random.default_rng(1)
    for p in (0.001, 0.002, 0.005, 0.008):
        for every in (1, 600):
            share = sum(canary_monitor(draws, p, 10_000, every) for _ in range(ROLLOUTS)) / ROLLOUTS
            print(
                f"  {p:.1%} fail, looked at after every {every} requests: "
                f"{share:.1%} +- {1.96 * sqrt(share * (1 - share) / ROLLOUTS):.1%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
