package route

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"reflect"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"patchbay/core/internal/hours"
	"patchbay/sdk/envelope"
	"patchbay/sdk/text"
)

// MaxText is the maximum size of the variable text, in bytes. It limits the cost of conditions.
const MaxText = envelope.MaxTextBytes

// self is the hidden variable that functions get as their first argument. A condition cannot contain its name.
const self = "@input"

// variables are the variables of conditions.
var variables = []struct {
	name string
	typ  *cel.Type
}{
	{"channel", cel.StringType}, {"role", cel.StringType}, {"text", cel.StringType},
	{"parts", cel.ListType(cel.StringType)}, {"sender_id", cel.StringType}, {"sender_name", cel.StringType},
	{"owner", cel.StringType}, {"owner_role", cel.StringType}, {"home", cel.StringType},
	{"pending", cel.StringType}, {"customer", cel.StringType}, {"handovers", cel.IntType},
	{"age", cel.DurationType}, {"silence", cel.DurationType}, {"reason", cel.StringType},
	{"now.hour", cel.IntType}, {"now.weekday", cel.StringType}, {"now.date", cel.StringType},
}

// input makes the Facts of a decision available to CEL, as the activation of conditions and the first argument of
// functions.
type input struct {
	facts  *Facts
	folded string
	ready  bool           // folded is set
	parsed map[string]any // JSON of attributes

	wordRules []int // rules of which a word is in the text, if searched is set
	searched  bool
}

var (
	_ cel.Activation = (*input)(nil)
	_ ref.Val        = (*input)(nil)
)

// ResolveName returns a variable's value.
func (in *input) ResolveName(name string) (any, bool) {
	f := in.facts
	switch name {
	case self:
		return in, true
	case "text":
		return types.String(text.Clip(f.Text, MaxText)), true
	case "parts":
		return types.NewStringList(types.DefaultTypeAdapter, f.Parts), true
	case "handovers":
		return types.Int(f.Handovers), true
	case "now.hour":
		return types.Int(f.Now.Hour()), true
	case "age":
		return types.Duration{Duration: f.Age}, true
	case "silence":
		return types.Duration{Duration: f.Silence}, true
	}
	s, ok := f.shortText(name)
	return types.String(s), ok
}

// shortText returns the value of a string variable. It returns false for the variable text and for other types.
func (f *Facts) shortText(name string) (string, bool) {
	switch name {
	case "channel":
		return f.Channel, true
	case "role":
		return string(f.Role), true
	case "sender_id":
		return f.SenderID, true
	case "sender_name":
		return f.SenderName, true
	case "owner":
		return f.Owner, true
	case "owner_role":
		return string(f.OwnerRole), true
	case "home":
		return f.Home, true
	case "pending":
		return f.Pending, true
	case "customer":
		return f.Customer, true
	case "reason":
		return f.Reason, true
	case "now.weekday":
		return hours.WeekdayName(f.Now.Weekday()), true
	case "now.date":
		return f.Now.Format(time.DateOnly), true
	}
	return "", false
}

// Parent returns nil: there is no outer scope.
func (in *input) Parent() cel.Activation { return nil }

func (in *input) mentions(phrases []phrase) bool {
	folded := in.foldedText()
	for i := range phrases {
		if phrases[i].occursIn(folded) {
			return true
		}
	}
	return false
}

// foldedText returns the folded text. It folds the text once.
func (in *input) foldedText() string {
	if !in.ready {
		in.folded, in.ready = fold(text.Clip(in.facts.Text, MaxText)), true
	}
	return in.folded
}

func (in *input) open(channel string) bool { return in.facts.Open == nil || in.facts.Open(channel) }

// bucket maps a customer to 0–99. The result for a salt and a customer never changes, in any version, so that an
// experiment keeps its customers.
func bucket(salt, channel, customer string) int64 {
	sum := sha256.Sum256([]byte(salt + "\x00" + channel + "\x00" + customer))
	return int64(binary.BigEndian.Uint64(sum[:8]) % 100)
}

// ConvertToNative is refused: the value is opaque.
func (in *input) ConvertToNative(reflect.Type) (any, error) {
	return nil, errors.New("the input is opaque")
}

// ConvertToType is refused: the value is opaque.
func (in *input) ConvertToType(ref.Type) ref.Val { return types.NewErr("the input is opaque") }

// Equal reports whether other is the same input.
func (in *input) Equal(other ref.Val) ref.Val { return types.Bool(other == ref.Val(in)) }

// Type returns an opaque type.
func (in *input) Type() ref.Type { return inputType }

// Value returns the input itself.
func (in *input) Value() any { return in }

var inputType = types.NewOpaqueType(self)
