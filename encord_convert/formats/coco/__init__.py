"""COCO and its variants. The page is :mod:`encord_convert.formats.coco.page`."""
