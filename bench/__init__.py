"""What the kit claims about speed, measured in one run on one machine."""
