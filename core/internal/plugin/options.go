package plugin

import (
	"log/slog"
	"time"
)

// Options configure a Host. A zero duration or number means the default in its comment.
type Options struct {
	Name    string   // name of the adapter in the configuration
	Command string   // absolute path of the program
	Args    []string // arguments without the program's name
	Env     []string // "KEY=value", added to the clean environment
	// RuntimeDir is the folder for sockets; it belongs to this gateway process, see ClaimRuntimeDir. Folders in the
	// system's temporary directory are used instead if it is "", too long for a socket's path, or cannot be created.
	RuntimeDir     string
	GatewayVersion string
	Logger         *slog.Logger // nil discards the log output
	Metrics        *Metrics     // nil means unregistered metrics
	// Secrets are redacted in the adapter's texts, in addition to the secret settings.
	Secrets []string
	// Complete returns the settings of a channel, checked and completed by a schema. With it, the Host refuses a later
	// process whose schema changes the settings of a channel.
	Complete func(channel string, schema []byte) ([]byte, error)

	// Candidate means that the Host does not set the metrics up and info until Represent(true), because another Host
	// sets them.
	Candidate bool

	StartTimeout time.Duration // limit of each step of a start; 10 s
	HoldTimeout  time.Duration // time that Receive waits for a process; 3 s
	DeliverHold  time.Duration // time that Deliver waits for a process; its caller repeats the call; 1 s
	DrainTimeout time.Duration // time for running calls before a stop; 15 s
	StopTimeout  time.Duration // time between a stop and the kill; 3 s
	CancelGrace  time.Duration // time that a canceled call has to end before the process is replaced; 3 s

	LivenessInterval time.Duration // 5 s
	LivenessTimeout  time.Duration // 2 s
	LivenessMisses   int           // failed health checks in a row that end a process; 3

	BackoffMin      time.Duration // 200 ms; no delay after the first failure in a row if the process was ready
	BackoffMax      time.Duration // 30 s
	HealthyAfter    time.Duration // uptime that clears the restart budget; 60 s
	CrashBudget     int           // crashes within CrashWindow that lead to quarantine; 5
	CrashWindow     time.Duration // 2 min
	QuarantineMin   time.Duration // time to the first trial in quarantine; it doubles with each trial; 5 s
	QuarantineRetry time.Duration // longest time between trials in quarantine; 5 min
	PermanentRetry  time.Duration // longest time between trials after an error that a restart cannot repair; 30 s
}

func (o *Options) setDefaults() {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.StartTimeout, 10*time.Second)
	def(&o.HoldTimeout, 3*time.Second)
	def(&o.DeliverHold, time.Second)
	def(&o.DrainTimeout, 15*time.Second)
	def(&o.StopTimeout, 3*time.Second)
	def(&o.CancelGrace, 3*time.Second)
	def(&o.LivenessInterval, 5*time.Second)
	def(&o.LivenessTimeout, 2*time.Second)
	def(&o.BackoffMin, 200*time.Millisecond)
	def(&o.BackoffMax, 30*time.Second)
	def(&o.HealthyAfter, time.Minute)
	def(&o.CrashWindow, 2*time.Minute)
	def(&o.QuarantineMin, 5*time.Second)
	def(&o.QuarantineRetry, 5*time.Minute)
	def(&o.PermanentRetry, 30*time.Second)
	if o.LivenessMisses <= 0 {
		o.LivenessMisses = 3
	}
	if o.CrashBudget <= 0 {
		o.CrashBudget = 5
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}
