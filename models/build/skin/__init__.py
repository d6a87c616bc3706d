"""The skin network: does the skin of a face look like a picture of skin?"""
