"""Where the container contract puts things."""

import os
from pathlib import Path

ML = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
"""The root of a job's folders. The variable is that of AWS's own container toolkit."""

PROCESSING = ML / "processing"
