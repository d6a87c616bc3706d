"""The MQTT process: outbox to broker, commands to sight."""
