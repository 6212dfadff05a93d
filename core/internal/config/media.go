package config

import (
	"time"

	"patchbay/sdk"
)

// Bounds of the settings below media.
const (
	leastMediaSize   = 1 << 10
	mostTotalSize    = 1 << 40
	mediaAtOnce      = 4 // of the largest size must have room in the total
	leastMediaKept   = time.Minute
	longestMediaKept = 7 * 24 * time.Hour
)

// linksPath is where the links to media are, below the public address.
const linksPath = "/media"

func (l *loader) checkMedia(c *Config) {
	m := &c.Media
	if m.MaxSize < leastMediaSize || m.MaxSize > sdk.MaxMediaBytes {
		l.bad([]string{"media", "max_size"}, "", "must be from %s to %s", ByteSize(leastMediaSize), ByteSize(sdk.MaxMediaBytes))
		return // the bounds of the total follow from it
	}
	if least := mediaAtOnce * m.MaxSize; m.TotalSize < least || m.TotalSize > mostTotalSize {
		l.bad([]string{"media", "total_size"}, "", "must be from %s, which is %d times media.max_size, to %s",
			least, mediaAtOnce, ByteSize(mostTotalSize))
	}
	l.between(m.Keep, leastMediaKept, longestMediaKept, "media", "keep")
}
