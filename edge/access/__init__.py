"""Evidence to decision: pure rules, no I/O and no clock of their own."""
