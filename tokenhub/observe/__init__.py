"""What people and machines get to see of the work: events, metrics, logs, the audit trail.

Everything here is told what happened and tells it on; nothing here decides. A request reaches it
as one `types.Outcome` through `recorder`. No prompt and no secret comes in, and no wait: whoever
reads too slowly loses events, never a client its answer.
"""
