"""What exists in the account."""
