"""What several test modules share: networks, data, problems, and slow twins of what they test."""
