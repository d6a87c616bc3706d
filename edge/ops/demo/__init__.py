"""The main job on embedded defaults: a film made on the spot, a fake relay, a broker of its own."""
