"""What a stack still lacks, found out before anything is bought or changed."""
