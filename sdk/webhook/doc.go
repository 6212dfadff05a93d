// Package webhook checks and parses the webhook calls of a vendor: credentials compared in constant time, signatures of
// Standard Webhooks, the age of a timestamp, and JSON bodies.
package webhook
