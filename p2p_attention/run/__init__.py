"""One sampling run under control: which edits act at which noise level, what was seen, and what there is to say."""
