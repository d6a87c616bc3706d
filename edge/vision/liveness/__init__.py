"""Is the face in view alive?"""
