"""What journeys cost in a lab, and how well the largest storms were predicted."""
