"""The decision of consent a second time, by other means, to hold the first one against."""
