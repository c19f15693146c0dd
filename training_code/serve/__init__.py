"""The handlers that the managed container calls to serve a packaged model."""
