package app

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	"patchbay/core/internal/config"
	"patchbay/core/internal/disk"
	"patchbay/sdk/protocol/pluginpb"
)

// keptAdapter is the last good description of an adapter and the endpoints of its channels. If the adapter does not
// start, the gateway starts with this description.
type keptAdapter struct {
	description *pluginpb.DescribeResponse
	channels    map[string]keptChannel
}

type keptChannel struct {
	config   string // digest of the configuration that the adapter accepted
	endpoint *pluginpb.ConfigureResponse
}

// keptFile is the JSON file of a keptAdapter. Messages are in protobuf's wire format.
type keptFile struct {
	Description []byte                     `json:"description"`
	Channels    map[string]keptFileChannel `json:"channels"`
}

type keptFileChannel struct {
	Config   string `json:"config"`
	Endpoint []byte `json:"endpoint"`
}

func keptPath(dir, adapter string) string { return filepath.Join(dir, url.PathEscape(adapter)+".json") }

// readKept reads the kept description of an adapter. It returns nil if there is none.
func readKept(dir, adapter string) (*keptAdapter, error) {
	data, err := os.ReadFile(keptPath(dir, adapter))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var file keptFile
	if err == nil {
		err = json.Unmarshal(data, &file)
	}
	k := &keptAdapter{description: &pluginpb.DescribeResponse{}, channels: map[string]keptChannel{}}
	if err == nil {
		err = proto.Unmarshal(file.Description, k.description)
	}
	for name, c := range file.Channels {
		endpoint := &pluginpb.ConfigureResponse{}
		err = errors.Join(err, proto.Unmarshal(c.Endpoint, endpoint))
		k.channels[name] = keptChannel{config: c.Config, endpoint: endpoint}
	}
	if err != nil {
		return nil, fmt.Errorf("read the kept description of adapter %s: %w", adapter, err)
	}
	return k, nil
}

// write replaces the file of the adapter.
func (k *keptAdapter) write(dir, adapter string) error {
	file := keptFile{Channels: map[string]keptFileChannel{}}
	var err error
	file.Description, err = proto.Marshal(k.description)
	for name, c := range k.channels {
		endpoint, failed := proto.Marshal(c.endpoint)
		err = errors.Join(err, failed)
		file.Channels[name] = keptFileChannel{Config: c.config, Endpoint: endpoint}
	}
	var data []byte
	if err == nil {
		data, err = json.Marshal(file)
	}
	if err == nil {
		err = disk.Replace(keptPath(dir, adapter), data)
	}
	if err != nil {
		return fmt.Errorf("keep the description of adapter %s: %w", adapter, err)
	}
	return nil
}

// match returns the configuration and the kept endpoint of a channel. It returns nil if none is kept for this
// configuration.
func (k *keptAdapter) match(cfg *config.Config, ch *config.Channel,
) (*pluginpb.ChannelConfig, *pluginpb.ConfigureResponse) {
	if k == nil {
		return nil, nil
	}
	kept, known := k.channels[ch.Name]
	if !known {
		return nil, nil
	}
	pc, err := channelConfig(cfg, ch, k.description.GetSettingsSchema())
	if err != nil || configDigest(pc) != kept.config {
		return nil, nil
	}
	return pc, kept.endpoint
}

// channelConfig returns the configuration of a channel for its adapter.
func channelConfig(cfg *config.Config, ch *config.Channel, schema []byte) (*pluginpb.ChannelConfig, error) {
	settings, err := cfg.CompleteSettings(ch.Name, schema)
	if err != nil {
		return nil, err
	}
	pc := &pluginpb.ChannelConfig{Name: ch.Name, Role: string(ch.Role), Prefix: ch.Path, Settings: settings}
	for _, a := range ch.Allow {
		pc.Allow = append(pc.Allow, a.String())
	}
	for _, a := range ch.AllowLinks {
		pc.AllowLinks = append(pc.AllowLinks, a.String())
	}
	return pc, nil
}

// configDigest returns a hash of a configuration with its secrets. The hash does not reveal them.
func configDigest(pc *pluginpb.ChannelConfig) string {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(pc)
	if err != nil {
		return "" // matches none
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
