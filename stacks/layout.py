"""Where things lie in the buckets, and what things are called in the account."""

INTERMEDIATE_STEPS = ("Preprocess", "Train", "Tune", "SelectModel", "TrainReference", "BatchTransform")
"""Steps whose outputs nothing refers to once a model is packaged."""

KEPT_STEPS = ("Package", "Evaluate", "PreTrainingBias", "PostTrainingBias", "Explain", "CompareMitigation", "ModelCard")
"""Steps whose outputs registered models refer to."""

BATCHES = "incoming"
MARKER = "_READY"
"""A batch is ``incoming/NAME/claims/…`` and ``…/customers/…``; the object ``incoming/NAME/_READY`` announces it."""

DATA_PARAMETERS = {"ClaimsUri": "claims", "CustomersUri": "customers"}
"""The pipeline parameters that point into the data bucket, and the folder of each."""

CHAMPION_PARAMETER = "ChampionModelUri"
CHAMPIONS = "runs/Package/*/package/model.tar.gz"
"""Where the model may lie that a new one is compared with: where Package has put it."""

COLLECTION_TAG = "sagemaker:collection-path"


def readable(table: str) -> tuple[str, str]:
    """Where a table of claims or customers may lie: uploaded by its content, or part of a batch."""
    return f"{table}/*", f"{BATCHES}/*/{table}/*"
