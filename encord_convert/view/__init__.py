"""Label sets to look at: a page for a browser, a contact sheet, and the pages of reports.

:mod:`~encord_convert.view.sample` chooses the images, :mod:`~encord_convert.view.labels` says what is on each,
:mod:`~encord_convert.view.marks` what of it was lost or differs, :mod:`~encord_convert.view.page` writes the page.
"""
