package webhook

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// errRefused says that a name leads into a network where no webhook may point.
var errRefused = errors.New("the address is not a public one")

// idle is for how long a connection is kept. One that sleeps longer, with a function that was frozen, is dead when it wakes.
const idle = 30 * time.Second

// NewClient returns the client that posts to webhooks. It connects to public addresses only (docs/decisions/0037-webhooks-to-public-addresses.md): what a name resolves to is
// looked at when it is dialled, so that neither a name that leads into the cloud's own network nor one that changes its mind between
// two lookups gets there. It follows no redirects, and uses no proxy. With loopback, this machine counts as public.
func NewClient(loopback bool) *http.Client {
	dialer := &net.Dialer{
		Timeout: 2 * patience, // a dial goes on when the post that began it has been given up, for the next one
		Control: func(_, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err == nil && (Public(at.Addr()) || loopback && at.Addr().Unmap().IsLoopback()) {
				return nil
			}
			return errRefused
		},
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
			IdleConnTimeout: idle, MaxIdleConnsPerHost: 2, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Public reports whether the address belongs to the open Internet, and to nothing else: IANA's special-purpose registries, those parts
// of IPv6 that lead to IPv4 addresses among them. An IPv4 address in IPv6's form counts as what it is.
func Public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() { // so not: unspecified, loopback, link-local, multicast, broadcast; 10/8, 172.16/12, 192.168/16, fc00::/7
		return false
	}
	special := []string{
		"0.0.0.0/8",                      // this network
		"100.64.0.0/10",                  // shared by carriers, and by clouds for their own
		"192.0.0.0/24", "192.88.99.0/24", // protocols; 6to4's relays
		"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", // documentation
		"198.18.0.0/15", // benchmarks
		"240.0.0.0/4",   // reserved
	}
	if a.Is6() {
		if !netip.MustParsePrefix("2000::/3").Contains(a) { // all else is not in use: NAT64 and site-local are there, too
			return false
		}
		special = []string{
			"2001::/23",                  // protocols: Teredo
			"2001:db8::/32", "3fff::/20", // documentation
			"2002::/16", // 6to4
		}
	}
	for _, s := range special {
		if netip.MustParsePrefix(s).Contains(a.WithZone("")) {
			return false
		}
	}
	return true
}
