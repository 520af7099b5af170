"""What the router is made of: the metric, the votes, their calibration, and the reports about them."""
