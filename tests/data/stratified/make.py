"""Makes expected.json: a difference within strata by hand with numpy and SciPy.

Users of unequal size, some of whom return in later strata and one of whom is in both arms, in three strata in which the
treatment's share grows. Everything is made of dense matrices, a column per user: the contributions, and the matrix G
of their covariances where observations are independent and of one variance (Bell & McCaffrey 2002).
`df_of_the_matrix` is (tr G)² / tr G² of each arm; `df` takes a bound of tr G² from products of sizes instead.
"""

import json

import numpy as np
from scipy import stats

rng = np.random.default_rng(20260302)
N_USERS, N_STRATA, LEVEL = 60, 3, 0.95

cells = [[{"values": [], "units": []} for _ in range(N_STRATA)] for _ in range(2)]
for user in range(N_USERS):
    arm = int(rng.random() < [0.1, 0.3, 0.5][user * N_STRATA // N_USERS])
    size = int(np.ceil(rng.lognormal(1.0, 1.0)))
    own = rng.normal(0, 0.5)
    for _ in range(size):
        later = rng.random() < 0.2
        stratum = min(user * N_STRATA // N_USERS + later, N_STRATA - 1)
        cell = cells[arm][stratum]
        cell["values"].append(round(float(np.exp(own + rng.normal(0, 0.8))), 3))
        cell["units"].append(user)
# User 59 in both arms.
cells[0][2]["values"].append(0.625)
cells[0][2]["units"].append(59)
cells[1][2]["values"].append(1.375)
cells[1][2]["units"].append(59)

sizes, sums = np.zeros((2, N_STRATA, N_USERS)), np.zeros((2, N_STRATA, N_USERS))
for arm in range(2):
    for stratum in range(N_STRATA):
        for value, unit in zip(cells[arm][stratum]["values"], cells[arm][stratum]["units"]):
            sizes[arm, stratum, unit] += 1
            sums[arm, stratum, unit] += value

M = sizes.sum(2)
assert ((sizes > 0).sum(2) >= 2).all()
W = M[0] * M[1] / (M[0] + M[1])
W /= W.sum()
means = sums.sum(2) / M
contributions, df, exact, variances = [], [], [], []
for arm in range(2):
    m, n = sizes[arm], M[arm]
    scale = W / n / np.sqrt(1 - (m**2).sum(1) / n**2)
    c = (scale[:, None] * (sums[arm] - m * means[arm][:, None])).sum(0)
    contributions.append(c)
    variances.append((c**2).sum())
    b = scale**2
    G = np.diag((b[:, None] * m).sum(0)) - (m.T * (b / n)) @ m
    exact.append(np.trace(G) ** 2 / (G**2).sum())
    # The bound: products of sizes within a stratum and over strata.
    P = m @ m.T
    own = (b**2 * np.diag(P) * (1 - np.diag(P) / n**2)).sum()
    others = ~np.eye(N_STRATA, dtype=bool)
    shared = (np.outer(b, b) * P)[others].sum()
    pairs = np.outer(b * n, b * n)[others].sum()
    assert shared > 0
    df.append((W**2 / n).sum() ** 2 / (own + shared * (1 - shared / pairs)))
    assert df[arm] < exact[arm]

covariance = (contributions[0] * contributions[1]).sum()
assert covariance != 0
difference = (W * (means[1] - means[0])).sum()
se = np.sqrt(sum(variances) - 2 * covariance)
joint = sum(variances) ** 2 / sum(v**2 / d for v, d in zip(variances, df))
half = [stats.t.ppf(0.5 + LEVEL / 2, d) for d in [joint, *df]]
values = [difference, *(W * means).sum(1)]
errors = [se, *np.sqrt(variances)]
with open("expected.json", "w") as out:
    json.dump(
        {
            "control": cells[0],
            "treatment": cells[1],
            "df": joint,
            "df_of_arms": df,
            "df_of_the_matrix": exact,
            "n_units": [int((sizes[arm].sum(0) > 0).sum()) for arm in range(2)],
            "p": 2 * stats.t.sf(abs(difference / se), joint),
            # Of the difference, the control and the treatment: the value and its interval.
            "estimates": [[v, v - h * e, v + h * e] for v, h, e in zip(values, half, errors)],
        },
        out,
    )
    out.write("\n")
