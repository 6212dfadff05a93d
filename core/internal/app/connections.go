package app

import "syscall"

// maxConnections bounds the open connections of one listener. Further callers wait in the system's queue.
const maxConnections = 16384

// publicConnections returns the connection limit of the public listener: at most half of the files that the process
// may open. The other half stays free for the store and the adapters.
func publicConnections() int {
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return maxConnections
	}
	return int(min(maxConnections, max(uint64(files.Cur)/2, 1)))
}
