"""MOT Challenge text files, and MOTS. The page is :mod:`encord_convert.formats.mot.page`."""
