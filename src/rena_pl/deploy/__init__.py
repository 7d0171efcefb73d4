"""What becomes of a finished run: its network loaded, used and written for devices."""
