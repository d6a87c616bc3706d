"""What is known of the teachers where no teacher runs."""

TAUGHT = 128
"""Numbers of each teacher's last layer."""
SURE = 10.0
"""Log-odds beyond this are the same to us; who imitates a teacher gives them in this unit."""
