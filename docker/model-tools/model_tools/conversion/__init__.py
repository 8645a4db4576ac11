"""What runs in the converter's own processes, and only in the images that hold the converters."""
