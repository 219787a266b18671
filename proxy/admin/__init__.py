"""The second listener: metrics and health, for operators and orchestrators; never exposed through the CDN."""
