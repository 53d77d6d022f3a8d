"""Access logs of a site's edge: when its pupils really came."""
