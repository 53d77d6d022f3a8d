"""The policy pack: what every site keeps to before anything of it is bought."""
