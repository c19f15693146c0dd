"""What the README claims, measured on this machine: ``make bench``."""
