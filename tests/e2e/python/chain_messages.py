"""LangChain's `ChatAnthropic`."""
# What is imported here is installed elsewhere.
# mypy: ignore-errors

from chain import session
from langchain_anthropic import ChatAnthropic
from session import KEY, ROOT_URL


def messages(name):
    return ChatAnthropic(model=name, base_url=ROOT_URL, api_key=KEY, max_retries=0, max_tokens=1024)


session(messages)
