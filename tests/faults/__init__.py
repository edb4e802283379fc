"""A campaign of faults: kills, damage, disks that are full, two runs in one folder."""
