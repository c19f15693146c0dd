"""``selection.json``, and the page that puts both models side by side."""

from typing import Any

from training_code.reporting import page
from training_code.select_model.candidates import Candidate

Json = dict[str, Any]


def document(default: Candidate, tuned: Candidate, chosen: Candidate, *, objective_type: str) -> Json:
    """``gain`` is tuned minus default, in the objective's own direction."""
    return {
        "selected": chosen.name,
        "objective": {"name": chosen.objective, "type": objective_type},
        "gain": tuned.value - default.value,
        "model_sha256": chosen.digest(),
        **{
            candidate.name: {
                "value": candidate.value,
                "framework": candidate.training.get("framework"),
                "hyperparameters": candidate.hyperparameters,
                "model_sha256": candidate.digest(),
            }
            for candidate in (default, tuned)
        },
    }


def html(found: Json) -> str:
    """The page for people."""
    objective, default, tuned = found["objective"], found["default"], found["tuned"]
    names = [*default["hyperparameters"], *(name for name in tuned["hyperparameters"] if name not in default["hyperparameters"])]
    rows = []
    for name in names:
        values = [candidate["hyperparameters"].get(name, "–") for candidate in (default, tuned)]
        rows.append((name, *values, "" if values[0] == values[1] else "changed"))
    direction = "lower" if objective["type"] == "Minimize" else "higher"
    return page.page(
        "Model selection",
        f"The default settings' model against the best trial of the tuning job, by {objective['name']} ({direction} is better). "
        "A tie goes to the default. The test split took no part.",
        [
            page.cards(
                [
                    (found["selected"], "model passed on"),
                    (f"{default['value']:.4f}", f"{objective['name']}, default settings"),
                    (f"{tuned['value']:.4f}", f"{objective['name']}, best trial"),
                    (f"{found['gain']:+.4f}", "tuned minus default"),
                ]
            ),
            page.section(
                "Hyperparameters",
                page.table(["hyperparameter", "default", "tuned", ""], rows),
                note="The best trial's value is the best of many, and therefore flatters it a little; the default's was not chosen by it. "
                "What the model passed on is worth is what Evaluate finds on the test split.",
            ),
            page.section(
                "Archives",
                page.table(
                    ["model", "framework", "SHA-256 of model.tar.gz"],
                    [(name, found[name]["framework"] or "–", found[name]["model_sha256"]) for name in ("default", "tuned")],
                ),
            ),
        ],
    )
