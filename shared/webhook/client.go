package webhook

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// errNotPublic refuses a URL whose host resolves to an address that Public refuses.
var errNotPublic = errors.New("the address is not a public one")

// idleTimeout is how long a TCP connection may be idle. One that was idle for longer probably died
// while the function was frozen.
const idleTimeout = 30 * time.Second

// NewClient returns the client that posts to webhooks. It connects to public addresses only
// (docs/decisions/0037-webhooks-to-public-addresses.md). The address is checked when it is dialled,
// so neither a name that resolves to a private address gets through, nor one that resolves
// differently the second time. The client follows no redirects and uses no proxy. With loopback,
// the addresses of this machine are allowed too.
func NewClient(loopback bool) *http.Client {
	dialer := &net.Dialer{
		// Longer than a post may take: a dial continues for the next post after its own has timed
		// out.
		Timeout: 2 * endpointTimeout,
		Control: func(_, address string, _ syscall.RawConn) error {
			to, err := netip.ParseAddrPort(address)
			if err == nil && (Public(to.Addr()) || loopback && to.Addr().Unmap().IsLoopback()) {
				return nil
			}
			return errNotPublic
		},
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, ForceAttemptHTTP2: true,
			IdleConnTimeout: idleTimeout, MaxIdleConnsPerHost: 2, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// Public reports whether the address belongs to the public Internet. Addresses in IANA's
// special-purpose registries do not, nor do IPv6 addresses that lead to IPv4 ones (6to4, NAT64,
// Teredo). An IPv4 address that is written as an IPv6 address counts as IPv4.
func Public(a netip.Addr) bool {
	a = a.Unmap()
	// This excludes unspecified, loopback, link-local, multicast and broadcast addresses, and 10/8,
	// 172.16/12, 192.168/16 and fc00::/7.
	if !a.IsGlobalUnicast() || a.IsPrivate() {
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
		// Nothing else is assigned as global unicast; NAT64 and site-local addresses are outside
		// it.
		if !netip.MustParsePrefix("2000::/3").Contains(a) {
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
