"""A small project around the app with nothing of the site: Django's own user, both doors."""
