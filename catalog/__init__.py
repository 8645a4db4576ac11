"""What the kit can serve: models, images and sizes as data with their sources."""
