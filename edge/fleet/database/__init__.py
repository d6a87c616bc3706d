"""The fleet's database: SQLite for one host, PostgreSQL for many; the same tables in both."""
