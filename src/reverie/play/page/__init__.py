"""`reverie dream`: a page on which a person plays inside a learned world."""
