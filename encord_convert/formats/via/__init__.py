"""VGG Image Annotator. The page is :mod:`encord_convert.formats.via.page`."""
