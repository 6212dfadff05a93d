// Package finding has the codes of the findings of `patchbay check`. A code is stable: scripts and editors can rely on
// it. Each code is always an error or always a warning.
package finding

// Code identifies a kind of finding.
type Code string

// Findings in the file and its values.
const (
	FileUnreadable      Code = "file-unreadable"
	YAMLSyntax          Code = "yaml-syntax"
	YAMLTag             Code = "yaml-tag"
	FileTooLarge        Code = "file-too-large"
	DuplicateKey        Code = "duplicate-key"
	UnknownKey          Code = "unknown-key"
	NotSupported        Code = "not-supported"
	WrongType           Code = "wrong-type"
	EmptyValue          Code = "empty-value"
	MissingKey          Code = "missing-key"
	InvalidValue        Code = "invalid-value"
	InvalidName         Code = "invalid-name"
	ReservedName        Code = "reserved-name"
	DuplicateName       Code = "duplicate-name"
	ListedTwice         Code = "listed-twice"
	SameListener        Code = "same-listener"
	CommentCutsValue    Code = "comment-cuts-value"
	UnresolvedReference Code = "unresolved-reference"
	UncleanValue        Code = "unclean-value"
	ReferenceInRoute    Code = "reference-in-route"
	ShellVariable       Code = "shell-variable"
	UnknownEnvironment  Code = "unknown-environment"
)

// Findings in adapters and channels.
const (
	UnknownAdapter       Code = "unknown-adapter"
	UnknownChannel       Code = "unknown-channel"
	UnknownRole          Code = "unknown-role"
	WrongRole            Code = "wrong-role"
	MissingOwner         Code = "missing-owner"
	AdapterNotStarted    Code = "adapter-not-started"
	AdapterFailed        Code = "adapter-failed"
	MissingAbility       Code = "missing-ability"
	UnknownSetting       Code = "unknown-setting"
	MissingSetting       Code = "missing-setting"
	InvalidSetting       Code = "invalid-setting"
	SuspiciousSetting    Code = "suspicious-setting"
	PathConflict         Code = "path-conflict"
	PrivateAddress       Code = "private-address"
	CleartextCredentials Code = "cleartext-credentials"
	UnusedAdapter        Code = "unused-adapter"
	UnusedChannel        Code = "unused-channel"
	NeedsRestart         Code = "needs-restart"
)

// Findings in rules.
const (
	UnknownEvent       Code = "unknown-event"
	NoEffect           Code = "no-effect"
	ConflictingKeys    Code = "conflicting-keys"
	KeyNeedsEvent      Code = "key-needs-event"
	NeverReached       Code = "never-reached"
	NeverMatches       Code = "never-matches"
	UnknownAttribute   Code = "unknown-attribute"
	UnknownPlaceholder Code = "unknown-placeholder"
	UnknownReason      Code = "unknown-reason"
	ConditionSyntax    Code = "condition-syntax"
	ConditionType      Code = "condition-type"
	ConditionCost      Code = "condition-cost"
	UnknownVariable    Code = "unknown-variable"
	UnknownFunction    Code = "unknown-function"
	InvalidPattern     Code = "invalid-pattern"
	InvalidDuration    Code = "invalid-duration"
	ControlCharacter   Code = "control-character"
	ASCIIWordBoundary  Code = "ascii-word-boundary"
)
