"""The people office: who should be known at which doors."""
