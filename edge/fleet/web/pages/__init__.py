"""The pages: each file is one part of the dashboard, and lists its entries."""
