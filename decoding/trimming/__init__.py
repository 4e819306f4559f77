"""Thought trimming: end a model's thinking once it has its answer. Text and token ids only, no torch."""

from __future__ import annotations
