"""The edits of the paper as data: the plan that passes from node to node, and the map each target's edits make."""
