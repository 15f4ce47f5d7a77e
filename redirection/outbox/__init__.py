"""What leaves the site: webhooks and e-mail, written first and sent by a command of its own."""
