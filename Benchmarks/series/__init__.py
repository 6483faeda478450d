# What `make bench-growth` measures: each module is one series or what several need.
