"""From broker to database: every event of every door once, in order, its chain checked."""
