"""Writes a HistGradientBoostingClassifier of scikit-learn as a model of Lanner.

usage: export(model, feature_names) gives a dictionary; json.dump it, and read it with lanner_boost::import::from_any.
Covers are numbers of training rows. Models for two classes only.
"""


def export(model, feature_names):
    assert len(model.classes_) == 2, "two classes only"
    is_category = model.is_categorical_
    order, codes = range(len(feature_names)), []
    if is_category is None:
        is_category = [False] * len(feature_names)
    else:
        # Scikit-learn puts categories first, and numbers the values of each.
        order = [i for i, yes in enumerate(is_category) if yes] + [i for i, yes in enumerate(is_category) if not yes]
        codes = model._preprocessor.named_transformers_["encoder"].categories_
    trees = []
    for (predictor,) in model._predictors:
        raw_bits = predictor.raw_left_cat_bitsets
        nodes = []
        for node in predictor.nodes:
            if node["is_leaf"]:
                nodes.append({"leaf": True, "value": float(node["value"]), "cover": int(node["count"])})
                continue
            out = {
                "feature": order[int(node["feature_idx"])], "missing_type": "NaN",
                "missing_left": bool(node["missing_go_to_left"]), "left": int(node["left"]),
                "right": int(node["right"]), "cover": int(node["count"]), "value": float(node["value"]),
            }
            if node["is_categorical"]:
                words, known = raw_bits[node["bitset_idx"]], codes[int(node["feature_idx"])]
                out |= {"op": "==", "cats": [int(known[c]) for c in range(256) if words[c // 32] >> (c % 32) & 1]}
            else:
                # Scikit-learn writes infinity where only missing values go right.
                out |= {"op": "<=", "threshold": min(float(node["num_threshold"]), 1.7976931348623157e308)}
            nodes.append(out)
        trees.append(nodes)
    return {
        "format": "lanner-boost/1", "link": "sigmoid", "base_score": float(model._baseline_prediction[0, 0]),
        "feature_names": list(feature_names),
        "feature_kinds": ["category" if yes else "number" for yes in is_category],
        "trees": trees,
    }
