"""CompareMitigation: what a model trained with mitigation does better and worse than one without, on the same test claims.

    python -m training_code.compare_mitigation --test out/test --model mitigated --reference plain --facet customer_gender=Female

Each model flags by its own threshold, at the same review capacity. Writes mitigation.json and mitigation.html below --output.
"""

import argparse
import json
import sys
from pathlib import Path

from training_code import encoded, failure
from training_code.bias import decisions, groups
from training_code.claims.facets import FacetError
from training_code.compare_mitigation import candidates, disparity, documents, performance, report
from training_code.paths import PROCESSING


def main() -> int:
    arguments = _parser().parse_args()
    if not 0 < arguments.review_capacity < 1:
        return failure.report(f"--review-capacity is {arguments.review_capacity}; it is a share of claims between 0 and 1")
    try:
        facets, group = groups.parse(arguments.facet), groups.group_column(arguments.group)
        test = encoded.read(arguments.test)
        if test.label.min() == test.label.max():
            raise encoded.DataError(f"the test split has {len(test)} claims of one class only: nothing to measure")
        reference = candidates.score(arguments.reference, test, capacity=arguments.review_capacity, role="reference")
        mitigated = candidates.score(arguments.model, test, capacity=arguments.review_capacity, role="mitigated")
    except (FacetError, encoded.DataError, candidates.CandidateError) as error:
        return failure.report(str(error))
    drawing = {"resamples": arguments.resamples, "seed": arguments.seed}
    before, after = (
        decisions.compare(test, each.flagged, facets=facets, group=group, **drawing) for each in (reference, mitigated)
    )
    stratum = groups.strata(group, test.features)
    shifts = [
        disparity.compare(
            one, other,
            disparity.count(
                member=groups.members(facet, test.features), label=test.label == 1, reference=reference.flagged,
                mitigated=mitigated.flagged, stratum=stratum, strata=len(group.levels),
            ),
            **drawing,
        )
        for facet, one, other in zip(facets, before, after, strict=True)
    ]  # fmt: skip
    on_test = performance.on_test(reference, mitigated, test.label.astype(float), **drawing)
    folds = None
    if reference.out_of_fold and mitigated.out_of_fold:
        folds = performance.out_of_fold(reference.out_of_fold, mitigated.out_of_fold, **drawing)
    document = documents.document(
        test, reference, mitigated, shifts, on_test=on_test, out_of_fold=folds, capacity=arguments.review_capacity
    )
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "mitigation.json").write_text(json.dumps(document, indent=1, allow_nan=False) + "\n")
    (arguments.output / "mitigation.html").write_text(report.html(document, shifts), encoding="utf-8")
    for facet in document["facets"].values():
        print(facet["sentence"])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="compare_mitigation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    model = "model.tar.gz, its folder, or its content"
    parser.add_argument("--test", type=Path, default=PROCESSING / "input/test", help="encoded claims")
    parser.add_argument("--model", type=Path, default=PROCESSING / "input/model", help=f"the mitigated model: {model}")
    parser.add_argument("--reference", type=Path, default=PROCESSING / "input/reference", help=f"the model without mitigation: {model}")
    parser.add_argument("--output", type=Path, default=PROCESSING / "output/mitigation")
    parser.add_argument("--review-capacity", type=float, default=0.1, help="share of claims that can be reviewed")
    parser.add_argument("--facet", action="append", default=[], help="COLUMN=LEVEL or COLUMN=LOW:HIGH; repeat for several")
    parser.add_argument("--group", default="policy_state", help="the column whose levels are the strata of CDDPL")
    parser.add_argument("--resamples", type=int, default=1000, help="bootstrap resamples")
    parser.add_argument("--seed", type=int, default=7)
    return parser


if __name__ == "__main__":
    sys.exit(main())
