"""An hour of mixed load with faults on a whole installation: does it stay as it was, and is all right at the end?"""
