"""Decodes, paints and encodes, in processes of their own: the one place that knows pyvips and Pillow."""
