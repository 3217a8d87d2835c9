"""Translation between the protocols: chat completions, responses and messages, as pure functions.

A request is read into a `Conversation` and written from it; a whole answer into a `Reply`; the
events of a stream are told, one by one as they come, to a writer of the client's protocol. So
each protocol is known by two modules to read and two to write it, and none knows another.

    conversation.py   what a request says
    reply.py          what an answer says, and what a stream tells
    fields.py         each field of each protocol: what becomes of it in the others
    chat_*.py  responses_*.py  messages_*.py
                      *_request: read and write; *_answer: the same; *_stream: reader and writer;
                      *_fields and *_keys: what becomes of each field, and of each key inside one
    translator.py     which of them serve one request

What the other protocol cannot say is an `Untranslatable` (400) that names the field, before
anything is sent; what has no effect on the answer is left out, with a warning where the client
may miss it. `fields.py` is the list of these decisions, `keys.py` of those inside the fields.
"""
