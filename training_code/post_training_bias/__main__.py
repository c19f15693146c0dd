"""PostTrainingBias: compares how a model's decisions fall on groups of test claims.

    python -m training_code.post_training_bias --test out/test --predictions predictions --facet customer_gender=Female --output bias

Decisions are those of predictions.parquet: a claim is flagged if its score is
among the highest that investigators can review, and never because it is over 0.5.
Writes analysis.json (Clarify's layout), bias.json (facet → metric → value) and bias.html below --output.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from training_code import encoded, failure
from training_code.bias import analysis, decisions, groups
from training_code.claims import schema
from training_code.claims.facets import FacetError
from training_code.paths import PROCESSING
from training_code.post_training_bias import report


class RequirementError(Exception):
    """A metric that must have a value has none; the message says why and what to do."""


def main() -> int:
    arguments = _parser().parse_args()
    try:
        facets, group = groups.parse(arguments.facet), groups.group_column(arguments.group)
        required = [_requirement(text, [facet.slug for facet in facets]) for text in arguments.require]
        test = encoded.read(arguments.test)
        decided = decisions.read(arguments.predictions, test)
    except (FacetError, RequirementError, encoded.DataError) as error:
        return failure.report(str(error))
    comparisons = decisions.compare(
        test, decided.predicted, facets=facets, group=group, resamples=arguments.resamples, seed=arguments.seed
    )
    section = analysis.clarify(comparisons, label=schema.LABEL, positive="1")
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, content in {
        "analysis.json": {"version": "1.0", "post_training_bias_metrics": section},
        "bias.json": analysis.flat(comparisons),
    }.items():
        (arguments.output / name).write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")
    (arguments.output / "bias.html").write_text(report.html(comparisons, decided, group=group.name), encoding="utf-8")
    for comparison in comparisons:
        found = " ".join(f"{each.metric.name}={each.value:.6f}" for each in comparison.measurements if each.value is not None)
        print(f"{comparison.subject.name}: {comparison.error or found}")
    try:
        _check(required, comparisons)
    except RequirementError as error:
        return failure.report(str(error))
    return 0


def _requirement(text: str, facets: Sequence[str]) -> tuple[str, str]:
    """Metric and facet name of ``METRIC:FACET``, where the facet is written as for --facet or as in bias.json."""
    metric, _, facet = text.partition(":")
    names = [known.name for known in analysis.POST_TRAINING]
    if metric not in names:
        raise RequirementError(f"--require {text}: there is no metric {metric!r}, only {', '.join(names)}")
    name = groups.parse([facet])[0].slug if "=" in facet else facet
    if name not in facets:
        raise RequirementError(f"--require {text}: the facet is not compared; add it as --facet, or require another")
    return metric, name


def _check(required: Sequence[tuple[str, str]], comparisons: Sequence[analysis.Comparison]) -> None:
    by_name = {comparison.subject.name: comparison for comparison in comparisons}
    for metric, facet in required:
        found = by_name[facet][metric]
        if found.value is None:
            raise RequirementError(
                f"the quality gate needs {metric} of {facet}, which has no value in this test split: {found.reason}. "
                "Test on more claims, widen the facet, or take this criterion out of the gate."
            )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="post_training_bias", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--test", type=Path, default=PROCESSING / "input/test", help="encoded claims")
    parser.add_argument("--predictions", type=Path, default=PROCESSING / "input/predictions", help="folder of predictions.parquet")
    parser.add_argument("--output", type=Path, default=PROCESSING / "output/bias")
    parser.add_argument("--facet", action="append", default=[], help="COLUMN=LEVEL or COLUMN=LOW:HIGH; repeat for several")
    parser.add_argument("--group", default="policy_state", help="the column whose levels are the strata of CDDPL")
    parser.add_argument("--require", action="append", default=[], metavar="METRIC:FACET", help="fail where this has no value")
    parser.add_argument("--resamples", type=int, default=1000, help="bootstrap resamples")
    parser.add_argument("--seed", type=int, default=7)
    return parser


if __name__ == "__main__":
    sys.exit(main())
