"""graticule: segment, track and measure particles in in-situ electron-microscopy movies."""
