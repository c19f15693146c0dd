"""What runs inside the SageMaker containers: one package a step, and what the steps share.

Nothing here knows SageMaker's API. A step reads folders, writes folders and
prints metrics; its paths are arguments whose defaults lie under ``/opt/ml``.
"""
