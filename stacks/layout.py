"""Where things lie in the buckets, and what things are called in the account."""

INTERMEDIATE_STEPS = ("Preprocess", "Train")
"""Steps whose outputs nothing refers to once a model is packaged."""

KEPT_STEPS = ("Package", "Evaluate")
"""Steps whose outputs registered models refer to."""

BATCHES = "incoming"
MARKER = "_READY"
"""A batch is ``incoming/NAME/claims/…`` and ``…/customers/…``; the object ``incoming/NAME/_READY`` announces it."""

DATA_PARAMETERS = {"ClaimsUri": "claims", "CustomersUri": "customers"}
"""The pipeline parameters that point into the data bucket, and the folder of each."""

COLLECTION_TAG = "sagemaker:collection-path"


def readable(table: str) -> tuple[str, str]:
    """Where a table of claims or customers may lie: uploaded by its content, or part of a batch."""
    return f"{table}/*", f"{BATCHES}/*/{table}/*"
