"""Who may enter: people, templates and credentials, sealed under the device's key."""
