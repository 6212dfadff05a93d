package settings

import (
	"errors"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MarshalJSONTo writes an object with the properties in order.
func (p Properties) MarshalJSONTo(enc *jsontext.Encoder) error {
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for i := range p {
		if err := enc.WriteToken(jsontext.String(p[i].Name)); err != nil {
			return err
		}
		if err := json.MarshalEncode(enc, p[i].Schema); err != nil {
			return err
		}
	}
	return enc.WriteToken(jsontext.EndObject)
}

// UnmarshalJSONFrom reads an object and keeps the order of its members.
func (p *Properties) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '{' {
		return errors.New("want an object with a schema for each name")
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		member := Property{Name: name.String(), Schema: &Schema{}}
		if err := json.UnmarshalDecode(dec, member.Schema); err != nil {
			return err
		}
		*p = append(*p, member)
	}
	_, err := dec.ReadToken()
	return err
}

// MarshalJSONTo writes a single type as a string.
func (t Types) MarshalJSONTo(enc *jsontext.Encoder) error {
	if len(t) == 1 {
		return enc.WriteToken(jsontext.String(t[0]))
	}
	return json.MarshalEncode(enc, []string(t))
}

// UnmarshalJSONFrom reads a type or a list of types.
func (t *Types) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == '[' {
		return json.UnmarshalDecode(dec, (*[]string)(t))
	}
	*t = Types{""}
	return json.UnmarshalDecode(dec, &(*t)[0])
}

// MarshalJSONTo writes false or the schema.
func (a Additional) MarshalJSONTo(enc *jsontext.Encoder) error {
	if a.Denied {
		return enc.WriteToken(jsontext.False)
	}
	return json.MarshalEncode(enc, a.Schema)
}

// UnmarshalJSONFrom reads true, false or a schema.
func (a *Additional) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == '{' {
		a.Schema = &Schema{}
		return json.UnmarshalDecode(dec, a.Schema)
	}
	var allowed bool
	err := json.UnmarshalDecode(dec, &allowed)
	a.Denied = err == nil && !allowed
	return err
}
