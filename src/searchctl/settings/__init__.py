"""What the user has set: flags, environment, files, connections and their secrets."""
