"""Self-contained HTML pages with charts, for the reports that steps write.

Standard library only: no container is known to carry a plotting library of a
version that this project could pin, and importing one would cost more time
than most steps take. Output is a pure function of the data.
"""
