"""Preprocess, Train and Evaluate in one job, for data so small that starting three takes longer than running them."""
