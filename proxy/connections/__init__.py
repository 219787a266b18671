"""What one connection may send and how long it may take, bounded; below the application, for both listeners."""
