"""Clouds that a site can stand on: what each must be told, and what it can hold."""
