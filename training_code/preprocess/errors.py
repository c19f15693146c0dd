"""The one error of preprocessing: its text is what the job's failure shows."""


class PreprocessingError(Exception):
    """The input cannot be prepared; the message names the thing, the place and the remedy."""
