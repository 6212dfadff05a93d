//go:build !linux

package gateway

import "syscall"

// childAttributes requests nothing of other systems.
func childAttributes() *syscall.SysProcAttr { return nil }
