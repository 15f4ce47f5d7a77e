"""How the site writes dates, where Django's own format of a language is not enough."""
