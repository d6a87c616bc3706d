"""Many doors, and what they say and obey over the network."""
