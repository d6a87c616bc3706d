"""What must survive a power cut: people, templates, events."""
