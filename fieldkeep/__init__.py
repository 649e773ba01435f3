"""The one command, `fieldkeep`: joins the device's and the server's command lines, and holds the demo."""
