package config

import (
	"time"

	"patchbay/sdk"
)

// defaults are what holds where the file is silent.
func defaults() map[string]any {
	return map[string]any{
		"listen":        "127.0.0.1:8080",
		"admin":         map[string]any{"listen": "127.0.0.1:9090"},
		"store":         map[string]any{"dir": "data", "cap": ByteSize(8 << 30)},
		"conversations": map[string]any{"history": 20, "close_after": 72 * time.Hour, "stale": string(StaleDrop), "bounces": 3},
		"limits":        map[string]any{"opened_per_minute": 600},
		"log":           map[string]any{"level": "info", "format": "auto"},
		"media": map[string]any{
			"max_size": ByteSize(sdk.MaxMediaBytes), "total_size": ByteSize(1 << 30), "keep": 24 * time.Hour,
		},
	}
}

// channelDefaults are what holds for each channel where the file is silent.
func channelDefaults() map[string]any {
	return map[string]any{"delivery": map[string]any{
		"timeout": 10 * time.Second, "give_up": 15 * time.Minute, "then": string(ThenSkip),
		"unknown": string(UnknownAuto), "concurrency": 64,
	}}
}
