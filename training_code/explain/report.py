"""``analysis.json`` in Clarify's layout, and the page."""

from typing import Any

import numpy as np
import numpy.typing as npt

from training_code import reasons, scoring
from training_code.claims import schema
from training_code.explain.summary import Explained, Summary
from training_code.reporting import beeswarm, charts, page, ranking

_COLUMNS, _FEATURES, _SWARMS = 20, 20, 14
_DEPENDENCE = 3
_DEPENDENCE_CLAIMS, _DEPENDENCE_POINTS = 500, 24


def analysis(found: Summary) -> dict[str, Any]:
    """Mean |contribution| of every feature and the base, in log-odds."""
    names = zip(schema.FEATURE_NAMES, (found.features / found.claims).tolist(), strict=True)
    explanation = {"global_shap_values": dict(names), "expected_value": found.base}
    return {"version": "1.0", "explanations": {"kernel_shap": {"label0": explanation}}}


def html(found: Summary, model: scoring.Model, *, threshold: float, referred: int) -> str:
    """The page; its size does not depend on the number of claims."""
    assert found.sample is not None and found.highest is not None
    columns = found.ranked_columns()
    total = sum(value for _, value in columns) or 1.0
    (first, most), *_ = columns
    return page.page(
        "Explanation",
        f"What the {_METHODS.get(model.format, model.format)} makes of each column of a claim, over {found.claims:,} claims.",
        [
            page.cards(
                [
                    (f"{found.claims:,}", "claims explained"),
                    (f"{referred:,}", f"referred, from a score of {threshold:.4f}"),
                    (f"{_probability(found.base):.2%}", f"score before anything is known of a claim (base {found.base:+.2f})"),
                    (first, f"weighs most: {most / total:.0%} of all contributions"),
                ]
            ),
            page.section(
                "How to read this page",
                note="A score is the base plus what each column adds or takes away, in log-odds; the sum, turned into a probability, "
                "is the score exactly. Adding 0.69 doubles the odds of fraud, and taking 0.69 away halves them. "
                f"{_EXACT.get(model.format, '')} A contribution says what the model made of a value. "
                "It does not say that the value causes fraud, nor that the use of it is fair; fairness has a report of its own.",
            ),
            page.section(
                "What weighs in general",
                page.charts(
                    [
                        ranking.ranked_bars("By column of the claim and its customer", columns[:_COLUMNS]),
                        ranking.ranked_bars(
                            "By feature of the model", [(label(name), value) for name, value in found.ranked_features()[:_FEATURES]]
                        ),
                    ],
                    columns=2,
                ),
                note="Mean absolute contribution over all claims, in log-odds. A column with several levels is several "
                f"features; in a claim their contributions are summed. The {_COLUMNS} columns and features that weigh most.",
            ),
            page.section(
                "In which direction",
                page.charts([_swarm(found)], columns=1),
                note=f"{len(found.sample):,} claims, spread evenly over all; each is one dot in every row. Right of the line the feature "
                "made the claim more suspicious, left of it less. The colour is the feature's own value; for a level, such as one gender, "
                "high means that the claim has it.",
            ),
            page.section(
                "The most suspicious claims",
                page.table(
                    ["policy", "score", "fraud", "first reason", "second reason", "third reason"],
                    _highest(found.highest),
                ),
                note="The highest scores, with the columns that push them up most, in log-odds. "
                "reasons.csv has the same for every referred claim.",
            ),
            page.section(
                "If only one column were different",
                page.charts(_dependence(found, model)),
                note=f"Mean score of {min(_DEPENDENCE_CLAIMS, len(found.sample)):,} claims if all of them had the value on the axis "
                "in that column and kept their others (partial dependence), for the numeric columns that weigh most. Some of "
                "these claims cannot exist, such as a total that is not the sum of its parts; there, it shows the model and not the world.",
            ),
        ],
    )


_METHODS = {
    "xgboost": "gradient-boosted model",
    "linear": "logistic regression",
    "linear-learner": "LinearLearner model",
}
_EXACT = {
    "xgboost": "Contributions are Shapley values of the trees (TreeSHAP): computed exactly and not estimated, "
    "against the claims that the model was trained on.",
    "linear": "Contributions are Shapley values: for each feature its coefficient times its distance from the mean of the training claims.",
    "linear-learner": "Contributions are Shapley values: for each feature its weight times its distance from the mean of these claims.",
}
_BY_NAME = dict(zip(schema.FEATURE_NAMES, schema.FEATURES, strict=True))


def label(name: str) -> str:
    """A feature for readers: ``customer_gender = Male``."""
    feature = _BY_NAME[name]
    return f"{feature.column.name} = {feature.level}" if feature.level is not None else feature.name


def _swarm(found: Summary) -> str:
    sample = found.sample
    assert sample is not None
    swarms = []
    for name, _ in found.ranked_features()[:_SWARMS]:
        place = schema.FEATURE_NAMES.index(name)
        tone = _tones(sample.claims.features[:, place])
        swarms.append(beeswarm.Swarm(label(name), sample.contributions[:, place].tolist(), tone.tolist()))
    return beeswarm.beeswarm(
        "Contributions of single claims", swarms, x_label="contribution to the log-odds", tone_label="value of the feature"
    )


def _tones(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """[0, 1] between the 5th and the 95th percentile; between the extremes where most values are the same."""
    low, high = np.percentile(values, [5, 95])
    if low == high:
        low, high = values.min(), values.max()
    tones: npt.NDArray[np.float64] = np.clip((values.astype(np.float64) - low) / ((high - low) or 1), 0, 1)
    return tones


def _highest(claims: Explained) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for policy, score, fraud, why in zip(
        claims.claims.policy.tolist(), claims.score.tolist(), claims.claims.label.tolist(),
        reasons.top(claims.claims.features, claims.contributions), strict=True,
    ):  # fmt: skip
        shown = [*map(str, why), "", "", ""][:3]
        rows.append((str(policy), f"{score:.4f}", "yes" if fraud else "no", *shown))
    return rows


def _dependence(found: Summary, model: scoring.Model) -> list[str]:
    sample = found.sample
    assert sample is not None
    step = max(1, len(sample) // _DEPENDENCE_CLAIMS)
    claims = sample.claims.features[::step][:_DEPENDENCE_CLAIMS]
    numeric = [column.name for column in schema.COLUMNS if column.encoding is schema.Encoding.NUMBER]
    drawings = []
    for name in [name for name, _ in found.ranked_columns() if name in numeric][:_DEPENDENCE]:
        place = schema.FEATURE_NAMES.index(name)
        low, high = np.percentile(sample.claims.features[:, place], [1, 99])
        grid = np.linspace(low, high, _DEPENDENCE_POINTS)
        if _BY_NAME[name].column.is_integer:
            grid = np.unique(grid.round())
        means = []
        for value in grid:
            changed = claims.copy()
            changed[:, place] = value
            means.append(float(model.score(changed).mean()))
        drawings.append(
            charts.curves(
                name, [charts.Series("mean score", grid.tolist(), means, markers=True)],
                x_label=name, y_label="mean score", y_range=(0, max(means) * 1.15 or 1),
            )
        )  # fmt: skip
    return drawings


def _probability(margin: float) -> float:
    return float(1 / (1 + np.exp(-margin)))
