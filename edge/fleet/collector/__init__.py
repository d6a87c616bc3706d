"""From the broker into the database: every event of every door once, in order, its chain checked."""
