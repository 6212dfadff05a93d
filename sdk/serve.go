package sdk

// Serve runs the adapter until the gateway ends it. It is the only call in a plugin's main.
func Serve(a Adapter) { panic("unfinished") }
