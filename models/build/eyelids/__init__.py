"""The eyelid network: how far are both eyes open, and are they shut?"""
