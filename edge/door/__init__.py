"""The relay guard: pins, the state machine of the lock, the process that owns them."""
