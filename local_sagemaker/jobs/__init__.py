"""One step type a file: what its request means on this machine."""
