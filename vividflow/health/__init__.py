"""What monitor.py looks at, a file for each neighbourhood. Reads only: no folder and no file is made by looking."""
