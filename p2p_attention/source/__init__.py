"""The source of an edit where it is not simply the batch's first row: an inverted picture and its trajectory."""
