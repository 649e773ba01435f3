"""How a device and a person come in: founding, invitations, the profile, its passphrase, and help when that is forgotten."""
