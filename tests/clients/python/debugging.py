"""What librdkafka says of itself: nothing, unless CLIENT_DEBUG names its debug contexts (such as `eos,protocol`); then to standard error."""

import os

CONTEXTS = os.environ.get("CLIENT_DEBUG")
# Without it the clients are meant to lose their brokers: nothing to tell.
SETTINGS = {"debug": CONTEXTS, "log_level": 7} if CONTEXTS else {"log_level": 0}
