"""The store on this device: one encrypted database, and the SQL of what it keeps."""
