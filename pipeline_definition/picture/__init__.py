"""The graph of a definition as a picture: SVG for pages, Mermaid for Markdown."""

from pipeline_definition.picture.layout import Graph
from pipeline_definition.picture.mermaid import mermaid
from pipeline_definition.picture.svg import Mark, svg

__all__ = ["Graph", "Mark", "mermaid", "svg"]
