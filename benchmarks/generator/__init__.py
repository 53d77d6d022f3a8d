"""The load generator beside its peers: what one login costs each of them."""
