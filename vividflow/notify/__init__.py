"""What the house says by itself: webhooks and mail."""
