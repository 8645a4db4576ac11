"""The access log, one JSON object a line; its field names are an interface.

A text that is not known is "", a number -1. model was asked for, served_by is the route that took the
request: that one or its fallback. hold_ms is the wait for a replica, queue_ms for a slot; first_byte_ms is
that of the answer's body, since the whole request was here. events are those of a stream that passed, about
one a token: all that is known of one that ended before it told its tokens. ended: the whole answer passed.
"""

LOG_FIELDS = (
    '%(time)[date(0,us),us_utime(\\"%Y-%m-%dT%H:%M:%S.%NZ\\")]',
    "%(request_id)[var(txn.request_id)]",
    "%(client)[src]",
    "%(key_id)[var(txn.key_id)]",
    "%(model)[var(txn.model)]",
    "%(served_by)[var(txn.served_by)]",
    "%(method)[var(txn.method)]",
    "%(path)[var(txn.path)]",
    "%(status)ST",
    "%(error)[var(txn.refusal)]",
    "%(stream:bool)[var(txn.stream,0)]",
    "%(replica)[srv_name]",
    "%(hold_ms:sint)[var(txn.hold_ms,0)]",
    "%(queue_ms)Tw",
    "%(first_byte_ms:sint)[var(txn.first_byte_ms,-1)]",
    "%(total_ms)Ta",
    "%(prompt_tokens:sint)[var(txn.prompt_tokens,-1)]",
    "%(completion_tokens:sint)[var(txn.completion_tokens,-1)]",
    "%(events:sint)[var(txn.events,0)]",
    "%(ended:bool)[var(txn.ended,0)]",
    "%(bytes)B",
    "%(termination)ts",
)
