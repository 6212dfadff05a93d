package journal

import "google.golang.org/protobuf/encoding/protowire"

// Numbers of fields of Record in journal.proto.
const (
	fieldAt        = 3
	fieldEnvelopes = 4
)

// ScanEnvelopes returns the time of an encoded record and its envelopes, which stay encoded and share the record's
// memory. It decodes no change.
func ScanEnvelopes(record []byte) (at int64, envelopes [][]byte, err error) {
	for len(record) > 0 {
		number, kind, n := protowire.ConsumeTag(record)
		if n < 0 {
			return 0, nil, protowire.ParseError(n)
		}
		record = record[n:]
		if n = protowire.ConsumeFieldValue(number, kind, record); n < 0 {
			return 0, nil, protowire.ParseError(n)
		}
		switch {
		case number == fieldAt && kind == protowire.VarintType:
			v, _ := protowire.ConsumeVarint(record)
			at = int64(v)
		case number == fieldEnvelopes && kind == protowire.BytesType:
			v, _ := protowire.ConsumeBytes(record)
			envelopes = append(envelopes, v)
		}
		record = record[n:]
	}
	return at, envelopes, nil
}

// EnvelopeID returns the gateway's id of an envelope of this record. The sequence of the position is not compared. If
// there is no such envelope, it returns "".
func (r *Record) EnvelopeID(p *Position) string {
	if int(p.GetIndex()) >= len(r.GetEnvelopes()) {
		return ""
	}
	return r.GetEnvelopes()[p.GetIndex()].GetId()
}
