// A reader of histogram logs that is not the one we write them with, for tests.
module klokken/tools/hdr

go 1.26.4

require github.com/HdrHistogram/hdrhistogram-go v1.4.0
