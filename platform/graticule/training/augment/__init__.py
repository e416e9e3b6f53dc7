"""Change crops as microscopes would have: geometry, optics, camera, grey levels."""
