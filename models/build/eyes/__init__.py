"""The shut-eye network: is the eye in a small grey patch shut?"""

from models.build.eyes.network import SIZE, load

__all__ = ["SIZE", "load"]
