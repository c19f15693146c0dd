"""Reads what a synth has written: templates, assets, and the pipeline definitions inside.

    assembly = cloud_assembly.read(Path("cdk.out/dev"))
    for pipeline in assembly.pipelines():
        print(pipeline.name, pipeline.definition["Steps"])

Works on files alone and knows nothing of how they were made.
"""

from cloud_assembly.assembly import Assembly, FileAsset, Pipeline, read
from cloud_assembly.errors import AssemblyError
from cloud_assembly.intrinsics import Environment
from cloud_assembly.template import Resource, Template

__all__ = ["Assembly", "AssemblyError", "Environment", "FileAsset", "Pipeline", "Resource", "Template", "read"]
