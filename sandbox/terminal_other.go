//go:build !linux

package main

// takeTerminal does nothing on other systems.
func takeTerminal(int) (release func()) { return func() {} }
