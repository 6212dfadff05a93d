package adaptertest

// section is one part of the exam. It runs with a process that lives and a channel that is configured, unless it is an early
// one, and leaves the channel configured.
type section struct {
	name  string
	title string
	run   func(*exam)
	early bool // it says something about a channel that could not be configured, too
}

// sections are in the order in which they run. Names and the ids of assertions, which begin with them, never change.
var sections = []section{
	{name: "describe", title: "Describes itself, with a schema of its settings", run: describe, early: true},
	{name: "settings", title: "Finds what is wrong with settings, without the network", run: checkSettings, early: true},
	{name: "configure", title: "Takes a configuration, and another one while calls run", run: checkConfigure, early: true},
	{name: "in", title: "Translates what the vendor sends", run: checkIn},
	{name: "out", title: "Translates what the vendor is sent", run: checkOut},
	{name: "odd", title: "Carries or refuses odd messages", run: checkOdd},
	{name: "duplicates", title: "Gives a repeated message the same id", run: checkDuplicates},
	{name: "credentials", title: "Refuses callers without the right credentials", run: checkCredentials},
	{name: "hostile", title: "Survives hostile and broken bodies", run: checkHostile},
	{name: "oversize", title: "Takes bodies as large as it says", run: checkOversize},
	{name: "unknown", title: "Takes fields and values that it does not know", run: checkUnknown},
	{name: "faults", title: "Names the vendor's faults rightly", run: checkFaults},
	{name: "parallel", title: "Lets no call wait for another", run: checkParallel},
	{name: "cancel", title: "Ends calls that nobody waits for", run: checkCancel},
	{name: "refusals", title: "Refuses in the vendor's form", run: checkRefusals},
	{name: "open", title: "Opens conversations", run: checkOpen},
	{name: "replies", title: "Gives answers that come with a call", run: checkReplies},
	{name: "media", title: "Fetches and takes media", run: checkMedia},
	{name: "listen", title: "Listens to a vendor that does not push", run: checkListen},
	{name: "drain", title: "Finishes its work before the end", run: checkDrain},
	{name: "resources", title: "Gives back what it takes", run: checkResources},
	{name: "memory", title: "Stays as large as it was", run: checkMemory},
	{name: "exit", title: "Ends when it is told to, with all that it started", run: checkExit},
	{name: "secrets", title: "Keeps secrets to itself", run: checkSecrets},
}

// Sections returns the names of all sections, in the order in which they run.
func Sections() []string {
	var out []string
	for _, s := range sections {
		out = append(out, s.name)
	}
	return out
}
