"""LangChain's `ChatOpenAI`, over chat completions."""
# What is imported here is installed elsewhere.
# mypy: ignore-errors

from chain import session
from langchain_openai import ChatOpenAI
from session import BASE_URL, KEY


def chat(name):
    return ChatOpenAI(model=name, base_url=BASE_URL, api_key=KEY, max_retries=0, stream_usage=True)


session(chat)
