package httpclient

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func TestGuardForbidsSpecialPurposeAddresses(t *testing.T) {
	forbidden := strings.Fields(`
		0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.0 10.0.0.1 10.1.2.3 10.255.255.255
		100.64.0.0 100.64.0.1 100.100.100.200 100.127.255.255
		127.0.0.0 127.0.0.1 127.0.0.53 127.1.1.1 127.255.255.255
		169.254.0.0 169.254.0.1 169.254.169.254 169.254.169.253 169.254.170.2 169.254.255.255
		172.16.0.0 172.16.0.1 172.17.0.1 172.20.10.2 172.31.255.255
		192.0.0.0 192.0.0.1 192.0.0.8 192.0.0.170 192.0.0.192 192.0.0.255 192.0.2.1 192.0.2.255 192.88.99.1
		192.168.0.0 192.168.0.1 192.168.1.1 192.168.255.255
		198.18.0.0 198.18.0.1 198.19.255.255 198.51.100.0 198.51.100.7 203.0.113.0 203.0.113.255
		224.0.0.0 224.0.0.1 239.255.255.250 239.255.255.255 240.0.0.0 240.0.0.1 254.1.1.1 255.255.255.254 255.255.255.255
		168.63.129.16
		:: ::1 ::2 ::ffff ::127.0.0.1 ::10.0.0.1 ::8.8.8.8 ::a9fe:a9fe
		::ffff:0.0.0.0 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:10.0.0.1 ::ffff:192.168.1.1 ::ffff:169.254.169.254 ::ffff:a9fe:a9fe
		::ffff:172.16.0.1 ::ffff:100.64.0.1 ::ffff:224.0.0.1 ::ffff:255.255.255.255
		::ffff:0:127.0.0.1 ::ffff:0:8.8.8.8
		64:ff9b::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::10.0.0.1 64:ff9b::8.8.8.8 64:ff9b:1::1 64:ff9b:1::a9fe:a9fe
		100:: 100::1 100:0:0:1::1
		2001:: 2001::1 2001:0:7f00:1:: 2001:0:a9fe:a9fe::1 2001:2::1 2001:10::1 2001:20::1 2001:db8:: 2001:db8::1 2001:db8:ffff::1
		2002:7f00:1:: 2002:a9fe:a9fe:: 2002:a00:1::1 2002:808:808::1
		3fff::1 5f00::1
		fc00:: fc00::1 fd00::1 fd00:ec2::254 fd12:3456:789a::1 fdff:ffff::1
		fe80:: fe80::1 fe80::1%eth0 febf::1 fec0::1 feff::1
		ff00::1 ff02::1 ff02::2 ff05::1:3 ff0e::1
		1::1 4000::1 8000::1 e000::1 200::1 1fff::1`)
	if len(forbidden) < 100 {
		t.Fatalf("only %d addresses", len(forbidden))
	}
	for _, target := range forbidden {
		addr, err := netip.ParseAddr(target)
		if err != nil {
			t.Fatal(err)
		}
		err = guard{setting: settingAllow}.check(addr)
		if !errors.Is(err, ErrForbiddenAddress) {
			t.Errorf("%s is allowed: %v", target, err)
			continue
		}
		if !strings.Contains(err.Error(), "allow") {
			t.Errorf("%s: the error does not name the setting: %v", target, err)
		}
		// The proposed setting must work.
		plain := addr.Unmap().WithZone("")
		if err := (guard{allow: []netip.Prefix{netip.PrefixFrom(plain, plain.BitLen())}}).check(addr); err != nil {
			t.Errorf("%s is refused although allowed: %v", target, err)
		}
	}
	for _, target := range strings.Fields(`
		1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 168.63.129.15
		169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255
		198.20.0.0 203.0.112.255 203.0.114.0 223.255.255.255 ::ffff:8.8.8.8
		2001:200::1 2001:4860:4860::8888 2400:cb00::1 2606:4700:4700::1111 2a00:1450::1`) {
		if err := (guard{}).check(netip.MustParseAddr(target)); err != nil {
			t.Errorf("%s is refused: %v", target, err)
		}
	}
}

func TestGuardAllowsNetworks(t *testing.T) {
	for _, tc := range []struct {
		target, allow string
		ok            bool
	}{
		{"10.1.2.3", "10.0.0.0/8", true},
		{"10.1.2.3", "10.1.2.3/32", true},
		{"10.1.2.4", "10.1.2.3/32", false},
		{"::ffff:10.1.2.3", "10.0.0.0/8", true},
		{"10.1.2.3", "::ffff:10.0.0.0/104", true},
		{"127.0.0.1", "::1/128", false},
		{"::1", "127.0.0.0/8", false},
		{"fd00::1", "fd00::/8", true},
		{"169.254.169.254", "10.0.0.0/8", false},
		{"10.0.0.1", "0.0.0.0/0", true},
		{"fd00::1", "0.0.0.0/0", false},
	} {
		err := guard{allow: []netip.Prefix{netip.MustParsePrefix(tc.allow)}}.check(netip.MustParseAddr(tc.target))
		if (err == nil) != tc.ok {
			t.Errorf("%s with %s: %v", tc.target, tc.allow, err)
		}
	}
	if err := (guard{}).check(netip.Addr{}); !errors.Is(err, ErrForbiddenAddress) {
		t.Errorf("the zero address: %v", err)
	}
}
