"""What a run shows of itself: metrics, progress, plots and videos."""
