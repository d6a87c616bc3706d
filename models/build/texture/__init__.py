"""The texture vote: are a face's colours those of a screen or a print?"""

from models.build.texture.network import SHARE, SIZE, load

__all__ = ["SHARE", "SIZE", "load"]
