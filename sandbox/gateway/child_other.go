//go:build !linux

package gateway

import "syscall"

// childAttributes returns no attributes on other systems.
func childAttributes() *syscall.SysProcAttr { return nil }
