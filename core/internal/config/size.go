package config

// ByteSize is a number of bytes, written as "512MiB", "8GiB" or a plain number.
type ByteSize int64
