"""The device's command line (docs/commands.md): one module per group of commands."""
