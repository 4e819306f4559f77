"""Semantic roles by rule: which part of a sentence a question asks for, and what stands there."""
