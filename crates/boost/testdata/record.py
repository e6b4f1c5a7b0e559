"""Records small models of LightGBM, XGBoost and scikit-learn with what they say of some rows.

usage: python record.py FOLDER    (needs lightgbm, xgboost, scikit-learn)
Writes lightgbm.txt, xgboost.json, sklearn.json, and for each NAME.rows.json with the rows, the margins and, where the
library tells them, the contributions (the last one is the expected value). The data is drawn here.
"""

import json
import pathlib
import sys

import lightgbm
import numpy
import xgboost
from sklearn.ensemble import HistGradientBoostingClassifier

from export_sklearn import export

folder = pathlib.Path(sys.argv[1])
random = numpy.random.default_rng(17)
n = 600
values = numpy.column_stack([
    random.normal(size=n), random.exponential(size=n), random.integers(0, 9, n).astype(float), random.normal(size=n),
])
target = values[:, 0] + (values[:, 2] % 3 == 1) * 1.5 - values[:, 1] * 0.5 + random.normal(size=n) * 0.5 > 0.3
values[random.random(n) < 0.15, 0] = numpy.nan
values[random.random(n) < 0.3, 3] = 0.0
names = ["a", "b", "c", "d"]
rows = values[:25].copy()
rows[0, :] = numpy.nan
rows[1, 2] = 8.0


def write(name, margins, contributions):
    plain = [[None if numpy.isnan(x) else x for x in row] for row in rows]
    out = {"rows": plain, "margins": [float(x) for x in margins]}
    if contributions is not None:
        out["contributions"] = [[float(x) for x in row] for row in contributions]
    (folder / f"{name}.rows.json").write_text(json.dumps(out))


for name, zero in (("lightgbm", False), ("lightgbm-zero", True)):
    settings = {"objective": "binary", "num_leaves": 8, "min_data_in_leaf": 10, "verbose": -1, "zero_as_missing": zero,
                "min_data_per_group": 10, "cat_smooth": 1, "seed": 1, "num_threads": 1, "deterministic": True}
    data = lightgbm.Dataset(values, target.astype(int), feature_name=names, categorical_feature=["c"])
    booster = lightgbm.train(settings, data, 12)
    booster.save_model(folder / f"{name}.txt")
    write(name, booster.predict(rows, raw_score=True), booster.predict(rows, pred_contrib=True))


def matrix(values, target=None):
    return xgboost.DMatrix(values, target, feature_names=names, feature_types=["q", "q", "c", "q"], enable_categorical=True)


settings = {"objective": "binary:logistic", "max_depth": 4, "tree_method": "hist", "nthread": 1, "base_score": 0.3}
booster = xgboost.train(settings, matrix(values, target.astype(int)), 12)
booster.save_model(folder / "xgboost.json")
write("xgboost", booster.predict(matrix(rows), output_margin=True), booster.predict(matrix(rows), pred_contribs=True))

model = HistGradientBoostingClassifier(max_iter=12, max_leaf_nodes=8, random_state=0, categorical_features=[2])
model.fit(values, target)
(folder / "sklearn.json").write_text(json.dumps(export(model, names)))
write("sklearn", model.decision_function(rows), None)
