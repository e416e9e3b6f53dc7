"""The stages from movie to report, and the shells (plain loop, Ray Data) that run them."""
