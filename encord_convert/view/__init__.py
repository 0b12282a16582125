"""Visualization of label sets: a page for a browser, a contact sheet, and pages of reports.

:mod:`~encord_convert.view.sample` chooses the images, :mod:`~encord_convert.view.labels` gives their labels,
:mod:`~encord_convert.view.marks` what was lost or differs, :mod:`~encord_convert.view.page` writes the page.
"""
