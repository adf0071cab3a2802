"""Pictures and films: ffmpeg with limits, the warm decoder child, the built-in preview renderer, shapes."""
