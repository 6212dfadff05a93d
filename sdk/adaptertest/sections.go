package adaptertest

// section is one part of the exam. It runs with a process that lives and a channel that is configured, and leaves the
// channel configured.
type section struct {
	name  string
	title string
	run   func(*exam)
}

// sections are in the order in which they run. Names and the ids of assertions, which begin with them, never change.
var sections []section

func init() {
	sections = []section{
		{"describe", "Describes itself, with a schema of its settings", describe},
		{"settings", "Finds what is wrong with settings, without the network", checkSettings},
		{"configure", "Takes a configuration, and another one while calls run", checkConfigure},
		{"in", "Translates what the vendor sends", checkIn},
		{"out", "Translates what the vendor is sent", checkOut},
		{"odd", "Carries or refuses odd messages", checkOdd},
		{"duplicates", "Gives a repeated message the same id", checkDuplicates},
		{"credentials", "Refuses callers without the right credentials", checkCredentials},
		{"hostile", "Survives hostile and broken bodies", checkHostile},
		{"oversize", "Takes bodies as large as it says", checkOversize},
		{"unknown", "Takes fields and values that it does not know", checkUnknown},
		{"faults", "Names the vendor's faults rightly", checkFaults},
		{"parallel", "Lets no call wait for another", checkParallel},
		{"cancel", "Ends calls that nobody waits for", checkCancel},
		{"refusals", "Refuses in the vendor's form", checkRefusals},
		{"open", "Opens conversations", checkOpen},
		{"replies", "Gives answers that come with a call", checkReplies},
		{"media", "Fetches and takes media", checkMedia},
		{"listen", "Listens to a vendor that does not push", checkListen},
		{"drain", "Finishes its work before the end", checkDrain},
		{"resources", "Gives back what it takes", checkResources},
		{"memory", "Stays as large as it was", checkMemory},
		{"exit", "Ends when it is told to, with all that it started", checkExit},
		{"secrets", "Keeps secrets to itself", checkSecrets},
	}
}

// Sections returns the names of all sections, in the order in which they run.
func Sections() []string {
	var out []string
	for _, s := range sections {
		out = append(out, s.name)
	}
	return out
}
