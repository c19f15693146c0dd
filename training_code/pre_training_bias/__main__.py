"""PreTrainingBias: compares groups of training claims by how many they are and how many are labelled fraud.

    python -m training_code.pre_training_bias --data out/train --facet customer_gender=Female --facet customer_age=60: --output bias

Writes analysis.json (Clarify's layout), bias.json (facet → metric → value) and bias.html below --output.
"""

import argparse
import json
import sys
from pathlib import Path

from training_code import encoded, failure
from training_code.bias import analysis, groups, tables
from training_code.claims import schema
from training_code.claims.facets import FacetError
from training_code.paths import PROCESSING
from training_code.pre_training_bias import report


def main() -> int:
    arguments = _parser().parse_args()
    try:
        facets, group = groups.parse(arguments.facet), groups.group_column(arguments.group)
        data = encoded.read(arguments.data)
    except (FacetError, encoded.DataError) as error:
        return failure.report(str(error))
    stratum, label = groups.strata(group, data.features), data.label == 1
    comparisons = [
        analysis.before_training(
            groups.subject(facet),
            tables.of(member=groups.members(facet, data.features), label=label, stratum=stratum, strata=len(group.levels)),
            resamples=arguments.resamples,
            seed=arguments.seed,
        )
        for facet in facets
    ]
    section = analysis.clarify(comparisons, label=schema.LABEL, positive="1")
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, content in {
        "analysis.json": {"version": "1.0", "pre_training_bias_metrics": section},
        "bias.json": analysis.flat(comparisons),
    }.items():
        (arguments.output / name).write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")
    (arguments.output / "bias.html").write_text(report.html(comparisons, group=group.name), encoding="utf-8")
    for comparison in comparisons:
        found = comparison["DPL"].value
        print(f"{comparison.subject.name}: " + (comparison.error or f"CI={comparison['CI'].value:.6f} DPL={found:.6f}"))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pre_training_bias", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=PROCESSING / "input/train", help="encoded claims")
    parser.add_argument("--output", type=Path, default=PROCESSING / "output/bias")
    parser.add_argument("--facet", action="append", default=[], help="COLUMN=LEVEL or COLUMN=LOW:HIGH; repeat for several")
    parser.add_argument("--group", default="policy_state", help="the column whose levels are the strata of CDDL")
    parser.add_argument("--resamples", type=int, default=1000, help="bootstrap resamples")
    parser.add_argument("--seed", type=int, default=7)
    return parser


if __name__ == "__main__":
    sys.exit(main())
