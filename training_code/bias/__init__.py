"""Measures of bias between groups of claims, as SageMaker Clarify defines them.

A facet is the group whose treatment is in question (Clarify's disadvantaged
facet *d*); all other claims are the group it is compared with (*a*). The
positive label is fraud = 1, and a positive prediction is a claim that is
flagged for review. Clarify's formulas were written for favourable outcomes
such as a loan; here the positive outcome is unfavourable, so that a *negative*
DPPL says that the facet is flagged more often than the others.

Every metric but the flip test is a function of a table of counts (``tables``),
whatever the number of claims.
"""
