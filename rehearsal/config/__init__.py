"""What a program is configured with: project, stack file, defaults."""
