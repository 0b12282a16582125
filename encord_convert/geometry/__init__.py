"""Plane geometry on numbers and arrays: boxes, rings, masks, run lengths, motion between keyframes.

Nothing here knows of labels. Coordinates have their origin at the top-left corner, x to the right and y downwards; the
pixel (0, 0) covers [0, 1) x [0, 1). What cannot be answered raises a plain ``ValueError``.
"""
