"""Raw claims and customers in; encoded train, validation and test splits out."""
