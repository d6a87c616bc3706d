"""The surroundings network: does what is around a face look like a screen's or a print's edge?"""
