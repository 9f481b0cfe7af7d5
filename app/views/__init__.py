"""The pages, one module each, each with `show(frame)`.

Not called `pages`: a folder of that name beside the main script is run by Streamlit itself, page by page, for the
first reader after a start who comes by the address of a page.
"""
