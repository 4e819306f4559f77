"""Benchmarks of the runtime: each prints a table for people and returns one JSON object."""
