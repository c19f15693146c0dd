"""Models of every kind that the pipeline can train, behind one interface.

    model = scoring.load(folder)       # an extracted model archive
    model.score(features)              # (n,) float32 in [0, 1]
    model.contributions(features)      # (n, f + 1), what each feature adds to the margin, the base last

What a kind of model needs is imported when one is loaded: a linear model is
scored without XGBoost.
"""

from training_code.scoring.loading import load
from training_code.scoring.model import Model, ModelError, NotExplainableError

__all__ = ["Model", "ModelError", "NotExplainableError", "load"]
