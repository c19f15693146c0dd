"""The fraud-detection pipeline.

    Preprocess → { Train, PreTrainingBias } → Evaluate → { PostTrainingBias, Explain, Package }
    → QualityGate → { ModelCard → Register, CreateModel → BatchTransform } | Reject

With tuning, ``Tune`` runs beside ``Train``, and ``SelectModel`` passes the
better of the two on. With mitigation, ``TrainReference`` trains without it,
and ``CompareMitigation`` shows both. With ``combine_steps``, one job
``PrepareTrainEvaluate`` stands for Preprocess, Train and Evaluate.
"""

from pipeline_definition.fraud_detection.assets import NO_CHAMPION, SERVING_CODE, assets
from pipeline_definition.fraud_detection.graph import build
from pipeline_definition.fraud_detection.plan import CUSTOM_IMAGE, JobPlan, plan

__all__ = ["CUSTOM_IMAGE", "NO_CHAMPION", "SERVING_CODE", "JobPlan", "assets", "build", "plan"]
