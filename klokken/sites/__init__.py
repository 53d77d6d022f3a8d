"""A new site: the files that a kommune begins with."""
