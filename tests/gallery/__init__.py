"""Every page of the app in its states: tests go through them, and `make screenshots` takes pictures of them."""
