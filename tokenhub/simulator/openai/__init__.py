"""The APIs of OpenAI and, where they differ, of vLLM: a module each, reading apart from writing."""
