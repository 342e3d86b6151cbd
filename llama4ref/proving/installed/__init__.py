"""Facts beside the installed libraries."""
