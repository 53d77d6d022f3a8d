"""The compiled heart of the simulator: whole numbers in arrays, and nothing else."""
