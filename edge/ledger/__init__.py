"""What happened: numbered, chained events, and how far they have travelled."""
