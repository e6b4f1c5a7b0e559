"""LightGBM and scikit-learn beside Lanner's trees; run by the program beside it.

    peers.py install FOLDER                           makes a virtual environment there, once
    peers.py TREES LEAVES DEPTH ROWS < LINES          measures; figures as JSON on standard output

LINES are rows to learn from and as many to judge by: a label, and values. All is done on one thread, and timed by processor time, the
fastest of some runs.
"""

import json
import os
import subprocess
import sys
import time
import venv

PACKAGES = ["lightgbm==4.7.0", "numpy==2.4.6", "scikit-learn==1.9.1", "scipy==1.17.1"]
RUNS = 5


def seconds(call):
    n = 1
    while run(call, n) < 0.1:
        n *= 2
    return min(run(call, n) for _ in range(RUNS)) / n


def run(call, n):
    began = time.process_time()
    for _ in range(n):
        call()
    return time.process_time() - began


def figures(name, learn, predict, contributions, unseen):
    model = learn()
    rows = [unseen[at : at + 1] for at in range(len(unseen))]
    turn = iter(range(1 << 60))
    following = lambda: rows[next(turn) % len(rows)]
    answer = {
        "name": name,
        "learn_ms": seconds(learn) * 1e3,
        "row_ns": seconds(lambda: predict(model, following())) * 1e9,
        "reasons_us": contributions and seconds(lambda: contributions(model, following())) * 1e6,
        "rows_per_s": len(unseen) / seconds(lambda: predict(model, unseen)),
    }
    return answer | {"scores": [float(score) for score in predict(model, unseen)]}


def measure(trees, leaves, depth, n_rows):
    import lightgbm
    import numpy
    from sklearn.ensemble import HistGradientBoostingClassifier

    table = numpy.loadtxt(sys.stdin)
    labels, values = table[:n_rows, 0], table[:n_rows, 1:].copy()
    unseen = table[n_rows:, 1:].copy()
    settings = dict(
        objective="binary", learning_rate=0.1, num_leaves=leaves, max_depth=depth, min_data_in_leaf=20, lambda_l2=1.0,
        max_bin=255, num_threads=1, deterministic=True, verbose=-1,
    )
    light = figures(
        "LightGBM " + lightgbm.__version__,
        lambda: lightgbm.train(settings, lightgbm.Dataset(values, labels, free_raw_data=False), trees),
        lambda model, rows: model.predict(rows),
        lambda model, rows: model.predict(rows, pred_contrib=True),
        unseen,
    )
    learner = lambda: HistGradientBoostingClassifier(
        learning_rate=0.1, max_iter=trees, max_leaf_nodes=leaves, max_depth=depth, l2_regularization=1.0, early_stopping=False,
    )
    predict = lambda model, rows: model.predict_proba(rows)[:, 1]
    scikit = figures("scikit-learn 1.9.1", lambda: learner().fit(values, labels), predict, None, unseen)
    json.dump([light, scikit], sys.stdout)


def install(folder):
    venv.create(folder, with_pip=True)
    pip = [os.path.join(folder, "bin/pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(pip + PACKAGES, check=True)
    open(os.path.join(folder, "installed"), "w").close()


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["install", folder]:
            install(folder)
        case [trees, leaves, depth, rows]:
            measure(int(trees), int(leaves), int(depth), int(rows))
        case _:
            sys.exit(__doc__)
