package config

import (
	"time"

	"patchbay/core/internal/finding"
	"patchbay/sdk"
)

// Bounds of the settings below media.
const (
	minMediaSize    = 1 << 10
	maxTotalSize    = 1 << 40
	concurrentMedia = 4 // number of media of the maximum size that must fit into total_size
	minMediaKeep    = time.Minute
	maxMediaKeep    = 7 * 24 * time.Hour
)

// linksPath is the path of links to media, below the public address.
const linksPath = "/media"

func (l *loader) media(f *fileMedia) Media {
	l.requireBetween(&f.Keep, minMediaKeep, maxMediaKeep)
	m := Media{MaxSize: f.MaxSize.value, TotalSize: f.TotalSize.value, Keep: f.Keep.value}
	if m.MaxSize < minMediaSize || m.MaxSize > sdk.MaxMediaBytes {
		l.bad(finding.InvalidValue, f.MaxSize.node, "must be from %s to %s", ByteSize(minMediaSize),
			ByteSize(sdk.MaxMediaBytes))
		return m // the check of total_size needs a valid max_size
	}
	least := concurrentMedia * m.MaxSize
	l.require(m.TotalSize >= least && m.TotalSize <= maxTotalSize, f.TotalSize.node,
		"must be from %s, which is %d times media.max_size, to %s", least, concurrentMedia, ByteSize(maxTotalSize))
	return m
}
