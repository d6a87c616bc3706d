"""The recapture network: does a face look filmed off a screen or a print?"""
