"""Anthropic's API: checks and reading apart from writing, whole or streamed."""
