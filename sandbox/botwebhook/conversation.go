package botwebhook

import "time"

// Brain makes the answers to a conversation's new messages. The last user message is the question. In webhook mode
// each answer is one call; in the other modes all of them are one answer.
type Brain func(c Conversation, messages []Message) []Answer

// Conversation is one that the gateway created.
type Conversation struct {
	ID     string
	UserID string
}

// Asked is one accepted send call.
type Asked struct {
	At           time.Time
	Conversation Conversation
	Messages     []Message
	Mode         string // response_mode
	Version      int    // of the call: 1 or 2
	Config       Config
	Body         []byte // as it arrived
}

// Message is one entry of a send call, with its text parts joined to one text.
type Message struct {
	Role string // user or assistant
	Text string
	// Parts counts the entry's parts by type, nil if its content was a string.
	Parts map[string]int
	Media []Media // in the order of the parts
}

// Media is one item of an image, audio or document part, or one of the files of the older call.
type Media struct {
	Kind   string // image, audio or document; "" if the older call doesn't tell
	URL    string // either URL or Data is set
	Data   []byte // decoded
	Format string
	Name   string
}

// Config is what a call changes for itself: conversation_config, or its counterpart in the older call. What was
// absent is nil.
type Config struct {
	ShortTermMemory *bool          `json:"short_term_memory"`
	LongTermMemory  *bool          `json:"long_term_memory"`
	Knowledge       *Knowledge     `json:"knowledge"`
	CustomVariables map[string]any `json:"custom_variables"`
	CornerCitation  *bool          `json:"corner_citation"`
}

// Knowledge says what the agent may look into. Both lists empty means nothing.
type Knowledge struct {
	DataIDs  []string `json:"data_ids"`
	GroupIDs []string `json:"group_ids"`
}

// Answer is what an agent says at once: one webhook call, or a part of another mode's answer.
type Answer struct {
	Text      string
	Audio     []Audio
	Branch    string // of the flow
	Component string // of the flow
	Items     []Item // further ones, of a flow that has several outputs

	MessageID string // default: a new one
	Type      string // ANSWER (default) or QUESTION
}

// Item is one output of a flow.
type Item struct {
	Text      string
	Audio     []Audio
	Branch    string
	Component string
}

// Audio is something spoken.
type Audio struct {
	URL        string // for webhooks, blocking answers and flow outputs
	Transcript string
	Data       []byte // for streaming: sent in pieces
	Seconds    int
}

// items returns all outputs of an answer, the first one included.
func (a Answer) items() []Item {
	first := Item{Text: a.Text, Audio: a.Audio, Branch: a.Branch, Component: a.Component}
	return append([]Item{first}, a.Items...)
}

// flow returns whether only a flow can have made the answer.
func (a Answer) flow() bool { return a.Component != "" || a.Branch != "" || len(a.Items) > 0 }
