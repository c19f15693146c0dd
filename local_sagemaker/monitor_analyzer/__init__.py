"""Stands for the image ``sagemaker-model-monitor-analyzer`` when it makes a baseline: statistics and constraints.

Reads the container's variables (``dataset_source``, ``dataset_format``,
``output_path``, ``analysis_type`` …) and writes ``statistics.json`` and
``constraints.json`` in Model Monitor's layout. The image's own numbers come
from deequ; what is estimated there (sketches, quantiles) is near these and
not equal to them. Uses pyarrow and numpy.
"""
