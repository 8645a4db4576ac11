"""What `make` calls: prepares the machine, decides what config leaves open, and runs the stack."""
