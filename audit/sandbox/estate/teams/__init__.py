"""The teams of the story and their jobs, a file each."""
