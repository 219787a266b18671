"""Header fields as values: text in, frozen values out, and back; pure, and linear in the length of hostile input."""
