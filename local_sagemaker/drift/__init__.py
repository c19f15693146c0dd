"""What check steps compare: one kind of baseline a file, each ``violations(new, baseline) -> list`` of what has drifted.

A violation is an entry of Model Monitor's ``constraint_violations.json``.
"""
