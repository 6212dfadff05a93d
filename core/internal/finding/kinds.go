package finding

import "slices"

// Kind describes the findings with one code.
type Kind struct {
	Code    Code
	Warning bool   // suspicious but valid; false is an error: the configuration cannot be used
	Meaning string // for operators; one line of Markdown
}

// Kinds lists all codes in the order of the documentation.
var Kinds = []Kind{
	{FileUnreadable, false, "the configuration file cannot be read"},
	{YAMLSyntax, false, "the file is not YAML, has invalid characters, or has more than one document"},
	{YAMLTag, false, "a value begins with `!`, which YAML takes as a tag: `when: !open(\"desk\")` needs quotes"},
	{FileTooLarge, false, "the file has too many bytes or values, or is nested too deep"},
	{DuplicateKey, false, "a key is defined twice"},
	{UnknownKey, false, "a key does not exist"},
	{NotSupported, false, "a key or value is planned and not supported yet"},
	{WrongType, false, "a value is of another type than its key, for example a list instead of a text"},
	{EmptyValue, false, "a key has no value"},
	{MissingKey, false, "a required key is missing"},
	{InvalidValue, false, "the key does not allow the value, or the value is out of bounds"},
	{InvalidName, false, "the name of an adapter, channel, rule or attribute has characters that are not allowed"},
	{ReservedName, false, "a name has another meaning in routes"},
	{DuplicateName, false, "two rules have the same name"},
	{ListedTwice, false, "a list has the same entry twice"},
	{SameListener, false, "two listeners use the same port"},
	{CommentCutsValue, true, "a `#` behind a space begins a comment and probably cuts the value: put the value in quotes"},
	{UnresolvedReference, false, "a reference cannot be resolved: a variable is not set, or a file cannot be read"},
	{UncleanValue, false, "a secret or the value of a reference has a line end, a byte order mark or a control character"},
	{ReferenceInRoute, false, "a rule contains a reference"},
	{ShellVariable, true, "a value looks like a shell variable (`$NAME`) and is used literally"},
	{UnknownEnvironment, true, "a `PATCHBAY_` variable names no setting"},
	{UnknownAdapter, false, "a channel names an adapter that is not defined"},
	{UnknownChannel, false, "a key or a condition names a channel that is not defined"},
	{UnknownRole, false, "a condition names a role that does not exist"},
	{WrongRole, false, "a channel's role does not fit its use, for example an observer as an owner"},
	{MissingOwner, false, "a customer channel has no owner"},
	{AdapterNotStarted, false, "the program of an adapter cannot be started"},
	{AdapterFailed, false, "an adapter failed or did not respond while it checked a channel"},
	{MissingAbility, false, "a channel or rule needs an ability that the adapter does not have"},
	{UnknownSetting, false, "the adapter has no setting of this name"},
	{MissingSetting, false, "a required setting of the adapter is missing"},
	{InvalidSetting, false, "the adapter does not accept a setting"},
	{SuspiciousSetting, true, "the adapter accepts a setting that is probably a mistake"},
	{PathConflict, false, "webhook paths of two channels cannot coexist, or a path belongs to the gateway"},
	{PrivateAddress, false, "a vendor's address is not public, and `allow` does not permit it: every call would fail"},
	{CleartextCredentials, true, "a vendor's public address begins with `http://`, so credentials travel unencrypted"},
	{UnusedAdapter, true, "an adapter is defined, but no channel uses it"},
	{UnusedChannel, true, "a channel is defined, but no owner, rule or setting uses it"},
	{NeedsRestart, false, "at a reload: a setting cannot change while the gateway runs"},
	{UnknownEvent, false, "a rule names an event that does not exist"},
	{NoEffect, false, "a rule has no effect"},
	{ConflictingKeys, false, "keys of a rule exclude each other"},
	{KeyNeedsEvent, false, "a key of a rule does not apply to the rule's events or senders"},
	{NeverReached, true, "a rule is never reached: earlier rules end the evaluation for all inputs that it matches"},
	{NeverMatches, true, "a rule contradicts itself, so that it never matches"},
	{UnknownAttribute, true, "a rule reads an attribute that no rule sets and no adapter in use declares"},
	{UnknownPlaceholder, false, "a text contains a `{{…}}` that is not known"},
	{UnknownReason, true, "a condition compares `reason` with a name that is not a reason of the rule's events"},
	{ConditionSyntax, false, "a condition is not a valid expression"},
	{ConditionType, false, "an operator or function does not apply to its values"},
	{ConditionCost, false, "a condition could take too long on a long message"},
	{UnknownVariable, false, "a condition uses a variable that does not exist"},
	{UnknownFunction, false, "a condition uses a function that does not exist"},
	{InvalidPattern, false, "a regular expression is not valid RE2"},
	{InvalidDuration, false, "a duration is not valid"},
	{ControlCharacter, false, "a condition or a notice has a control character, which no message contains"},
	{ASCIIWordBoundary, true, "`\\b` stands next to a character outside ASCII, where it does not find the end of a word"},
}

// IsWarning reports whether findings with the code are warnings.
func (c Code) IsWarning() bool {
	return slices.ContainsFunc(Kinds, func(k Kind) bool { return k.Code == c && k.Warning })
}
