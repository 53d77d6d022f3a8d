"""The highest rate of school mornings that a stack carries."""
