package config

// defaults apply to settings that neither the file nor the environment sets.
const defaults = `
listen: 127.0.0.1:8080
admin: {listen: "127.0.0.1:9090"}
store: {dir: data, cap: 8GiB}
conversations: {history: 20, close_after: 72h, fenced: drop, bounces: 3, zone: UTC, language: language}
limits: {opened_per_minute: 600, queue_age: 5s}
log: {level: info, format: auto}
shutdown: {delay: 0s}
media: {max_size: 20MiB, total_size: 1GiB, keep: 24h}
`

// channelDefaults apply to each channel.
const channelDefaults = `
delivery: {timeout: 10s, give_up: 15m, max_pause: 5m, then: skip, unknown: auto, concurrency: 64}
`

// parseDefaults returns defaults as nodes.
func parseDefaults(yaml string) *node {
	var problems []Problem
	r := &reader{problems: &problems}
	root := r.read([]byte(yaml))
	markDefault(root)
	return root
}

func markDefault(n *node) {
	n.isDefault = true
	for _, child := range n.children {
		markDefault(child)
	}
}
