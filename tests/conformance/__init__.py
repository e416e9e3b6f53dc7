"""Do our networks compute what the published implementations compute, given the same weights?"""
