"""Running the program: the SDK set up, its resource monitor answered."""
